"""Terms in Cassandra: entries by term and time, and by post what a deletion has to remove.

Whoever adds writes what a post is found by, then reads whether it is forgotten; whoever forgets
says so, then reads what the post is found by. So one of two at once sees the other, and what a
removal meets, its timestamp covers.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence
from zlib import crc32

from schemas.ids import DAY_MS, DEFAULT_EPOCH, PostId, UserId, post_time
from services.search.store import PostClaim, PostTerms
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
    portions,
    select,
)

BUCKET_MS = 3 * DAY_MS
"""Post time in a bucket."""
GROUP_BITS = 20
"""Of a term's hash: groups that share a list of buckets, from which no word can be read."""
NEAREST_BUCKETS = 2
"""Asked first: a busy term has a page in them. Of one that is not, all others are asked at once."""
MAX_DECLARED = 65_536
"""Buckets of groups known to be declared, some 10 MB; the longest unheard is declared again."""
ADDED, REMOVED = 1, 2
"""The timestamps of entries and of removals: what is forgotten stays so."""
FORGOTTEN = ""
"""The term that says so."""

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
    """A TermStore in Cassandra; `epoch` is the one post ids are minted with."""

    def __init__(self, store: Store, epoch: int = DEFAULT_EPOCH) -> None:
        self._store = store
        self._epoch = epoch
        self._declared: OrderedDict[tuple[int, int], None] = OrderedDict()

    async def add(self, said: Sequence[PostTerms]) -> None:
        said = [each for each in said if each.terms]
        await self._store.write_columns(_KEEP, _columns(said))
        forgotten = await self._forgotten([each.claim for each in said])
        if forgotten:
            await self._remove(forgotten)
            said = [each for each in said if each.claim not in forgotten]
        await self._declare(said)
        buckets = [self._bucket(each.claim.post_id) for each in said for _ in each.terms]
        await self._store.write_columns(_ENTER, {**_columns(said), "bucket": buckets})

    async def forget(self, claims: Sequence[PostClaim]) -> None:
        await self._store.write(_row_of(_KEEP, claim, FORGOTTEN, ADDED) for claim in claims)
        await self._remove(set(claims))

    async def page(self, terms: Collection[str], span: Span, limit: int) -> list[PostId]:
        if not terms:
            return []
        buckets = await self._buckets(terms, span)
        found: set[PostId] = set()
        most = NEAREST_BUCKETS
        while buckets and len(found) < limit:
            nearest, buckets = buckets[:most], buckets[most:]
            asked = (
                self._store.read(_PAGE[span.newest_first], part, nearest, *span[:2], limit)
                for part in portions(terms, KEYS_AT_ONCE // len(nearest))
            )
            found |= {post for rows in await asyncio.gather(*asked) for (post,) in rows}
            most = max(NEAREST_BUCKETS, KEYS_AT_ONCE // len(terms))
        return sorted(found, reverse=span.newest_first)[:limit]

    async def _remove(self, claims: Collection[PostClaim]) -> None:
        """First where posts are found by their terms: until that is done, it is known what is."""
        rows = []
        for part in portions(claim.post_id for claim in claims):
            rows += await self._store.read(_OF_POSTS, part)
        held = [
            (term, claim)
            for post, author, term in rows
            if term != FORGOTTEN and (claim := PostClaim(PostId(post), UserId(author))) in claims
        ]
        await self._store.write(
            _REMOVE.row(**self._place(term, claim), version=REMOVED) for term, claim in held
        )
        await self._store.write(_row_of(_DROP, claim, term, REMOVED) for term, claim in held)

    async def _forgotten(self, claims: Iterable[PostClaim]) -> set[PostClaim]:
        asked = set(claims)
        rows = []
        for part in portions(claim.post_id for claim in asked):
            rows += await self._store.read(_FORGOTTEN, part)
        return {PostClaim(*row) for row in rows} & asked

    async def _buckets(self, terms: Collection[str], span: Span) -> list[int]:
        """Those that may hold posts of any of the terms, in the span's order."""
        within = (self._bucket(span.above), self._bucket(span.below))
        groups = map(_group, terms)
        asked = (self._store.read(_BUCKETS, part, *within) for part in portions(groups))
        found = {bucket for rows in await asyncio.gather(*asked) for (bucket,) in rows}
        return sorted(found, reverse=span.newest_first)

    async def _declare(self, said: Iterable[PostTerms]) -> None:
        """Says of every bucket that is written to that it is; durable on return."""
        places = {
            (_group(term), self._bucket(claim.post_id)): None
            for claim, terms in said
            for term in terms
        }
        new = [place for place in places if place not in self._declared]
        await self._store.write(
            _DECLARE.row(term_group=group, bucket=bucket, version=ADDED) for group, bucket in new
        )
        for place in places:
            self._declared[place] = None
            self._declared.move_to_end(place)
        while len(self._declared) > MAX_DECLARED:
            self._declared.popitem(last=False)

    def _place(self, term: str, claim: PostClaim) -> dict[str, Value]:
        bucket = self._bucket(claim.post_id)
        return {"term": term, "bucket": bucket, **claim._asdict()}

    def _bucket(self, post: int) -> int:
        return post_time(post, self._epoch) // BUCKET_MS


def _group(term: str) -> int:
    return crc32(term.encode()) >> 32 - GROUP_BITS


def _columns(said: Sequence[PostTerms]) -> dict[str, Column]:
    """A row for each term, packed by column: half of what single rows cost the client."""
    return {
        "post_id": [each.claim.post_id for each in said for _ in each.terms],
        "author_id": [each.claim.author_id for each in said for _ in each.terms],
        "term": [term for each in said for term in each.terms],
        "version": ADDED,
    }


def _row_of(statement: Statement, claim: PostClaim, term: str, version: int) -> Row:
    return statement.row(**claim._asdict(), term=term, version=version)
