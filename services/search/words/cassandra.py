"""Words in Cassandra: entries in shards that many words share: many posts are few mutations.

Whoever adds writes what a post is found by, then reads whether it is forgotten; whoever forgets
says so, then reads what the post is found by. So one of two at once sees the other, and what a
removal meets, its timestamp covers.
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

import numpy as np

from schemas.ids import DAY_MS, DEFAULT_EPOCH, SLOTS, PostId, post_time, slot
from services.search.store import PostClaim, PostTerms
from services.span import Span
from services.storage.session import Store
from services.storage.statements import KEYS_AT_ONCE, Column, Statement, delete, insert, select

BUCKET_MS = 3 * DAY_MS
"""Post time in a bucket."""
SHARD_BITS = 6
"""Of a word's hash: 64 shards. Fewer are fewer mutations for a batch of posts, and larger."""
BUCKET_GROUPS = 16
"""Copies of the list of buckets."""
POST_SHARDS = 64
"""Of what is remembered by post."""
FORGOTTEN_SHARDS = 4
"""Of what is forgotten: so many requests for any number of posts of a bucket."""
NEAREST_BUCKETS = 2
"""Asked first: a busy word has a page in them. Of one that is not, all others are asked at once."""
ENTRIES_AT_ONCE = 65_536
"""Packed together, 6 MB: those of a thousand posts, or of a dozen of the longest."""
CACHED_TERMS = 65_536
"""Words whose hashes are remembered, some 10 MB; nine in ten of a text are among them."""
ADDED, REMOVED = 1, 2
"""The timestamps of entries and of removals: what is forgotten stays so."""

_PLACE = ("bucket", "shard", "post_id", "author_id")
_ENTRY = ("bucket", "shard", "term", "post_id", "author_id")
_ENTER = insert("word_entries", *_ENTRY)
_REMOVE = delete("word_entries", *_ENTRY)
_KEEP = insert("post_words", *_PLACE, "said", "terms")
_DROP = delete("post_words", *_PLACE, "said")
_FORGET = insert("forgotten_words", *_PLACE)
_DECLARE = insert("word_buckets", "bucket_group", "bucket")
_OF_POST = select(
    "post_words",
    "read",
    "said, terms",
    "WHERE bucket = ? AND shard = ? AND post_id = ? AND author_id = ?",
)
_FORGOTTEN = select(
    "forgotten_words",
    "read",
    "post_id, author_id",
    "WHERE bucket = ? AND shard = ? AND post_id IN ?",
)
_BUCKETS = select(
    "word_buckets", "read", "bucket", "WHERE bucket_group = ? AND bucket >= ? AND bucket <= ?"
)
_PAGE = {
    newest_first: select(
        "word_entries",
        "page",
        "post_id",
        "WHERE bucket IN ? AND shard IN ? AND term IN ? AND post_id > ? AND post_id < ? "
        f"ORDER BY term {order[0]}, post_id {order[1]} PER PARTITION LIMIT ?",
    )
    for newest_first, order in ((True, ("ASC", "DESC")), (False, ("DESC", "ASC")))
}


class RememberedTerms(NamedTuple):
    """What one message says, as it is remembered: the row's name and the hashes of its terms."""

    claim: PostClaim
    name: int
    terms: bytes


class CassandraWords:
    """A TermStore in Cassandra for many terms a post; `epoch` is the one post ids are minted with.

    A term that shares its hash with another finds the other's posts too.
    """

    def __init__(self, store: Store, epoch: int = DEFAULT_EPOCH) -> None:
        self._store = store
        self._epoch = epoch
        self._declared: set[int] = set()  # 122 a year, since the epoch of post ids at most

    async def add(self, said: Sequence[PostTerms]) -> None:
        hashed = [_hashed(each) for each in said if each.terms]
        if not hashed:
            return
        await self._store.write_columns(_KEEP, self._kept(hashed, ADDED))
        forgotten = await self._forgotten({each.claim for each in hashed})
        await self._remove(forgotten)
        left = [each for each in hashed if each.claim not in forgotten]
        if left:
            await self._declare({self._bucket(each.claim.post_id) for each in left})
            await self._write(_ENTER, left, ADDED)

    async def forget(self, claims: Sequence[PostClaim]) -> None:
        asked = set(claims)
        await self._store.write(
            _FORGET.row(**self._place(claim, FORGOTTEN_SHARDS), version=ADDED) for claim in asked
        )
        await self._remove(asked)

    async def page(self, terms: Collection[str], span: Span, limit: int) -> list[PostId]:
        if not terms:
            return []
        together = list(_apart({hashed_term(term) for term in terms}))
        buckets = await self._buckets(term_shard(next(iter(together[0].values()))), span)
        found: set[PostId] = set()
        most = NEAREST_BUCKETS
        while buckets and len(found) < limit:
            nearest, buckets = buckets[:most], buckets[most:]
            asked = (
                self._store.read(
                    _PAGE[span.newest_first], nearest, [*some], [*some.values()], *span[:2], limit
                )
                for some in together
            )
            found |= {post for rows in await asyncio.gather(*asked) for (post,) in rows}
            most = max(NEAREST_BUCKETS, KEYS_AT_ONCE // max(map(len, together)))
        return sorted(found, reverse=span.newest_first)[:limit]

    async def _remove(self, claims: Collection[PostClaim]) -> None:
        """First where posts are found by their terms: until that is done, it is known what is."""
        held = await asyncio.gather(*map(self._said, claims))
        known = [said for some in held for said in some]
        await self._write(_REMOVE, known, REMOVED)
        dropped = self._kept(known, REMOVED)
        del dropped["terms"]
        await self._store.write_columns(_DROP, dropped)

    async def _said(self, claim: PostClaim) -> list[RememberedTerms]:
        place = self._place(claim, POST_SHARDS)
        rows = await self._store.read(_OF_POST, *(place[column] for column in _PLACE))
        return [RememberedTerms(claim, *row) for row in rows]

    async def _forgotten(self, claims: Collection[PostClaim]) -> set[PostClaim]:
        places: defaultdict[tuple[int, int], list[PostId]] = defaultdict(list)
        for claim in claims:
            place = self._place(claim, FORGOTTEN_SHARDS)
            places[place["bucket"], place["shard"]].append(claim.post_id)
        asked = (self._store.read(_FORGOTTEN, *at, posts) for at, posts in places.items())
        return {PostClaim(*row) for rows in await asyncio.gather(*asked) for row in rows} & set(
            claims
        )

    async def _buckets(self, shard: int, span: Span) -> list[int]:
        """Those that hold posts, in the span's order."""
        within = (self._bucket(span.above), self._bucket(span.below))
        rows = await self._store.read(_BUCKETS, shard % BUCKET_GROUPS, *within)
        return sorted((bucket for (bucket,) in rows), reverse=span.newest_first)

    async def _declare(self, buckets: Iterable[int]) -> None:
        """Says of every bucket that is written to that it is; durable on return."""
        new = [bucket for bucket in buckets if bucket not in self._declared]
        await self._store.write(
            _DECLARE.row(bucket_group=group, bucket=bucket, version=ADDED)
            for bucket in new
            for group in range(BUCKET_GROUPS)
        )
        self._declared.update(new)

    async def _write(
        self, statement: Statement, said: Sequence[RememberedTerms], version: int
    ) -> None:
        for some in _some_at_a_time(said):
            await self._store.write_columns(statement, self._entries(some, version))

    def _entries(self, said: Sequence[RememberedTerms], version: int) -> dict[str, Column]:
        """A row for each term, packed by column."""
        counts = [len(each.terms) // 8 for each in said]
        terms = np.frombuffer(b"".join(each.terms for each in said), ">i8").astype(np.int64)
        posts = np.array([each.claim.post_id for each in said], np.int64)
        return {
            "bucket": np.repeat([self._bucket(post) for post in posts.tolist()], counts),
            "shard": term_shards(terms),
            "term": terms,
            "post_id": np.repeat(posts, counts),
            "author_id": np.repeat(
                np.array([each.claim.author_id for each in said], np.int64), counts
            ),
            "version": version,
        }

    def _kept(self, said: Sequence[RememberedTerms], version: int) -> dict[str, Column]:
        places = [self._place(each.claim, POST_SHARDS) for each in said]
        return {
            **{column: [place[column] for place in places] for column in _PLACE},
            "said": [each.name for each in said],
            "terms": [each.terms for each in said],
            "version": version,
        }

    def _place(self, claim: PostClaim, shards: int) -> dict[str, int]:
        """The partition of a claim, and the claim."""
        shard = slot(claim.post_id) * shards // SLOTS
        return {"bucket": self._bucket(claim.post_id), "shard": shard, **claim._asdict()}

    def _bucket(self, post: int) -> int:
        return post_time(post, self._epoch) // BUCKET_MS


@lru_cache(CACHED_TERMS)
def hashed_term(term: str) -> int:
    """64 bits, signed, the same everywhere and always."""
    return int.from_bytes(blake2b(term.encode(), digest_size=8).digest(), "big", signed=True)


def term_shard(term: int) -> int:
    """The top bits of a hash."""
    return term % 2**64 >> 64 - SHARD_BITS


def term_shards(terms: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> Column:
    """The same of many."""
    return (terms.view(np.uint64) >> np.uint64(64 - SHARD_BITS)).astype(np.int64)


def _hashed(said: PostTerms) -> RememberedTerms:
    terms = sorted(map(hashed_term, said.terms))
    packed = b"".join(term.to_bytes(8, "big", signed=True) for term in terms)
    name = blake2b(packed, digest_size=8).digest()
    return RememberedTerms(said.claim, int.from_bytes(name, "big", signed=True), packed)


def _some_at_a_time(said: Iterable[RememberedTerms]) -> Iterator[list[RememberedTerms]]:
    some: list[RememberedTerms] = []
    count = 0
    for each in said:
        some.append(each)
        count += len(each.terms) // 8
        if count >= ENTRIES_AT_ONCE:
            yield some
            some, count = [], 0
    if some:
        yield some


def _apart(terms: Iterable[int]) -> Iterator[Mapping[int, int]]:
    """Terms by their shards, taken together as far as no two share one.

    So that a limit for each partition is one for each term.
    """
    waiting = sorted(terms)
    while waiting:
        together: dict[int, int] = {}
        waiting = [term for term in waiting if together.setdefault(term_shard(term), term) != term]
        yield together
