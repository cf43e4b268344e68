"""Terms in Cassandra: entries by term and time, and the terms of each post for its deletion.

`add` writes the terms of a post, then reads whether it is forgotten; `forget` writes that it is,
then reads its terms. So of two concurrent calls at least one sees the other, and the timestamp of
the removal covers every entry that it finds. Versions of terms are write timestamps.
"""

import asyncio
from collections.abc import Awaitable, Collection, Iterable, Mapping, Sequence
from typing import Any
from zlib import crc32

from schemas.ids import DEFAULT_EPOCH, PostId, UserId
from services.buckets import bucket_of
from services.latest import Latest
from services.search.store import ClaimVersion, PostClaim, PostTerms
from services.search.term_tables import ADDED, REMOVED, read_nearest
from services.span import Span
from services.storage.session import Store
from services.storage.statements import (
    KEYS_AT_ONCE,
    Column,
    Row,
    Statement,
    Value,
    delete,
    insert,
    key_chunks,
    select,
)

GROUP_BITS = 20
"""Bits of a term's hash that name its group. A group shares one list of buckets, which reveals no
word."""
MAX_DECLARED = 65_536
"""Declared buckets remembered, some 10 MB; a forgotten one is declared again."""
FORGOTTEN = ""
"""The term that marks a claim as forgotten."""

_KEEP = insert("post_terms", "post_id", "term", "author_id")
_DROP = delete("post_terms", "post_id", "term", "author_id")
_DECLARE = insert("term_buckets", "term_group", "bucket")
_ENTER = insert("terms", "term", "bucket", "post_id", "author_id")
_REMOVE = delete("terms", "term", "bucket", "post_id", "author_id")
_OF_POSTS = select("post_terms", "read", "post_id, author_id, term", "WHERE post_id IN ?")
_FORGOTTEN = select(
    "post_terms",
    "forgotten",
    "post_id, author_id",
    f"WHERE post_id IN ? AND term = '{FORGOTTEN}'",
)
_BUCKETS = select(
    "term_buckets", "read", "bucket", "WHERE term_group IN ? AND bucket >= ? AND bucket <= ?"
)
_PAGE = {
    newest_first: select(
        "terms",
        "page",
        "post_id",
        "WHERE term IN ? AND bucket IN ? AND post_id > ? AND post_id < ? "
        f"ORDER BY post_id {'DESC' if newest_first else 'ASC'} PER PARTITION LIMIT ?",
    )
    for newest_first in (True, False)
}


class CassandraTerms:
    """A TermStore in Cassandra. `epoch` is the one that post ids are minted with."""

    def __init__(self, store: Store, epoch: int = DEFAULT_EPOCH) -> None:
        self._store = store
        self._epoch = epoch
        self._declared: Latest[tuple[int, int], None] = Latest(MAX_DECLARED)

    async def add(self, posts: Sequence[PostTerms]) -> None:
        posts = [each for each in posts if each.terms]
        await self._store.write_columns(_KEEP, _columns(posts))
        forgotten = await self._forgotten([each.claim for each in posts])
        if forgotten:
            await self._remove(dict.fromkeys(forgotten, REMOVED))
            posts = [each for each in posts if each.claim not in forgotten]
        await self._declare(posts)
        buckets = [self._bucket(each.claim.post_id) for each in posts for _ in each.terms]
        await self._store.write_columns(_ENTER, {**_columns(posts), "bucket": buckets})

    async def withdraw(self, claims: Sequence[ClaimVersion]) -> None:
        await self._remove(dict(sorted(claims)))

    async def forget(self, claims: Sequence[PostClaim]) -> None:
        await self._store.write(_row_of(_KEEP, claim, FORGOTTEN, ADDED) for claim in claims)
        await self._remove(dict.fromkeys(claims, REMOVED))

    async def page(self, terms: Collection[str], span: Span, limit: int) -> list[PostId]:
        if not terms:
            return []

        def read(buckets: Sequence[int]) -> Iterable[Awaitable[list[tuple[Any, ...]]]]:
            for part in key_chunks(terms, KEYS_AT_ONCE // len(buckets)):
                yield self._store.read(_PAGE[span.newest_first], part, buckets, *span[:2], limit)

        buckets = await self._buckets(terms, span)
        return await read_nearest(read, buckets, len(terms), span, limit)

    async def _remove(self, claims: Mapping[PostClaim, int]) -> None:
        """Remove the entries first: until that is done, `post_terms` still says which there are."""
        rows = []
        for part in key_chunks(claim.post_id for claim in claims):
            rows += await self._store.read(_OF_POSTS, part)
        held = [
            (term, claim)
            for post, author, term in rows
            if term != FORGOTTEN and (claim := PostClaim(PostId(post), UserId(author))) in claims
        ]
        await self._store.write(
            _REMOVE.row(**self._key(term, claim), version=claims[claim]) for term, claim in held
        )
        await self._store.write(_row_of(_DROP, claim, term, claims[claim]) for term, claim in held)

    async def _forgotten(self, claims: Collection[PostClaim]) -> set[PostClaim]:
        rows = []
        for part in key_chunks(claim.post_id for claim in claims):
            rows += await self._store.read(_FORGOTTEN, part)
        return {PostClaim(*row) for row in rows} & set(claims)

    async def _buckets(self, terms: Collection[str], span: Span) -> list[int]:
        """Return the buckets that may hold posts of any of the terms, in the span's order."""
        within = (self._bucket(span.above), self._bucket(span.below))
        groups = map(_group, terms)
        requests = (self._store.read(_BUCKETS, part, *within) for part in key_chunks(groups))
        found = {bucket for rows in await asyncio.gather(*requests) for (bucket,) in rows}
        return sorted(found, reverse=span.newest_first)

    async def _declare(self, posts: Iterable[PostTerms]) -> None:
        """List every bucket before the first entry in it is written. Durable on return."""
        places = {
            (_group(term), self._bucket(claim.post_id)): None
            for claim, terms, _ in posts
            for term in terms
        }
        new = [place for place in places if place not in self._declared]
        await self._store.write(
            _DECLARE.row(term_group=group, bucket=bucket, version=ADDED) for group, bucket in new
        )
        for place in places:
            self._declared[place] = None

    def _key(self, term: str, claim: PostClaim) -> dict[str, Value]:
        return {"term": term, "bucket": self._bucket(claim.post_id), **claim._asdict()}

    def _bucket(self, post: int) -> int:
        return bucket_of(post, self._epoch)


def _group(term: str) -> int:
    return crc32(term.encode()) >> 32 - GROUP_BITS


def _columns(posts: Sequence[PostTerms]) -> dict[str, Column]:
    """Return a row for each term, by column: that costs the client half as much as single rows."""
    return {
        "post_id": [each.claim.post_id for each in posts for _ in each.terms],
        "author_id": [each.claim.author_id for each in posts for _ in each.terms],
        "term": [term for each in posts for term in each.terms],
        "version": [each.version for each in posts for _ in each.terms],
    }


def _row_of(statement: Statement, claim: PostClaim, term: str, version: int) -> Row:
    return statement.row(**claim._asdict(), term=term, version=version)
