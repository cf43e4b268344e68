"""Words in Cassandra: many words share a shard, so that a batch of posts is few mutations.

`add` writes the words of a post, then reads whether it is forgotten; `forget` writes that it is,
then reads its words. So of two concurrent calls at least one sees the other, and the timestamp of
the removal covers every entry that it finds. Versions of terms are write timestamps.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np

from schemas.ids import DEFAULT_EPOCH, SLOTS, IdArray, PostId, slot
from services.buckets import bucket_of
from services.search.store import ClaimVersion, PostClaim, PostTerms
from services.search.term_tables import ADDED, REMOVED, read_nearest
from services.span import Span
from services.storage.session import Store
from services.storage.statements import Column, Statement, delete, id_columns, insert, select

SHARD_BITS = 6
"""Bits of a word's hash that name its shard, of 64. Fewer would mean fewer, larger mutations."""
BUCKET_GROUPS = 16
"""Copies of the list of buckets, so that readers do not all ask one node."""
POST_SHARDS = 64
"""Shards of `post_words` in a bucket."""
FORGOTTEN_SHARDS = 4
"""Shards of `forgotten_words` in a bucket: the most requests that the posts of a bucket cost."""
ENTRIES_AT_ONCE = 65_536
"""Entries packed by one call, 6 MB: a thousand posts, or a dozen of the longest."""
CACHED_TERMS = 65_536
"""Words whose hashes are cached, some 10 MB; nine in ten words of a text are among them."""

_KEY = ("bucket", "shard", "post_id", "author_id")
_ENTRY = ("bucket", "shard", "term", "post_id", "author_id")
_ENTER = insert("word_entries", *_ENTRY)
_REMOVE = delete("word_entries", *_ENTRY)
_KEEP = insert("post_words", *_KEY, "said", "terms")
_DROP = delete("post_words", *_KEY, "said")
_FORGET = insert("forgotten_words", *_KEY)
_DECLARE = insert("word_buckets", "bucket_group", "bucket")
_OF_POSTS = select(
    "post_words",
    "read",
    "post_id, author_id, said, terms",
    "WHERE bucket = ? AND shard = ? AND post_id IN ?",
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
    """A row of `post_words`: the hashes of terms added together, and a hash of them as its key."""

    claim: PostClaim
    key: int
    terms: bytes
    version: int

    @property
    def size(self) -> int:
        return len(self.terms) // 8


class CassandraWords:
    """A TermStore in Cassandra for posts with many terms.

    `epoch` is the one that post ids are minted with. Terms are stored as hashes: two that share one
    also find each other's posts.
    """

    def __init__(self, store: Store, epoch: int = DEFAULT_EPOCH) -> None:
        self._store = store
        self._epoch = epoch
        self._declared: set[int] = set()  # 122 a year, since the epoch of post ids at most

    async def add(self, posts: Sequence[PostTerms]) -> None:
        hashed = [_hashed(each) for each in posts if each.terms]
        if not hashed:
            return
        await self._store.write_columns(_KEEP, self._kept(hashed))
        forgotten = await self._forgotten({each.claim for each in hashed})
        await self._remove(dict.fromkeys(forgotten, REMOVED))
        rest = [each for each in hashed if each.claim not in forgotten]
        if rest:
            await self._declare({self._bucket(each.claim.post_id) for each in rest})
            await self._write(_ENTER, rest)

    async def withdraw(self, claims: Sequence[ClaimVersion]) -> None:
        await self._remove(dict(sorted(claims)))

    async def forget(self, claims: Sequence[PostClaim]) -> None:
        distinct = set(claims)
        await self._store.write(
            _FORGET.row(**self._key(claim, FORGOTTEN_SHARDS), version=ADDED) for claim in distinct
        )
        await self._remove(dict.fromkeys(distinct, REMOVED))

    async def page(self, terms: Collection[str], span: Span, limit: int) -> list[PostId]:
        if not terms:
            return []
        groups = list(_distinct_shards({hashed_term(term) for term in terms}))

        def read(buckets: Sequence[int]) -> Iterable[Awaitable[list[tuple[Any, ...]]]]:
            for group in groups:
                yield self._store.read(
                    _PAGE[span.newest_first], buckets, [*group], [*group.values()], *span[:2], limit
                )

        buckets = await self._buckets(term_shard(next(iter(groups[0].values()))), span)
        return await read_nearest(read, buckets, max(map(len, groups)), span, limit)

    async def _remove(self, claims: Mapping[PostClaim, int]) -> None:
        """Remove the entries first: until that is done, `post_words` still says which there are."""
        remembered = [
            RememberedTerms(claim, key, terms, claims[claim])
            for post, author, key, terms in await self._of_posts(_OF_POSTS, claims, POST_SHARDS)
            if (claim := PostClaim(post, author)) in claims
        ]
        await self._write(_REMOVE, remembered)
        dropped = self._kept(remembered)
        del dropped["terms"]
        await self._store.write_columns(_DROP, dropped)

    async def _forgotten(self, claims: Collection[PostClaim]) -> set[PostClaim]:
        rows = await self._of_posts(_FORGOTTEN, claims, FORGOTTEN_SHARDS)
        return {PostClaim(*row) for row in rows} & set(claims)

    async def _of_posts(
        self, statement: Statement, claims: Iterable[PostClaim], shards: int
    ) -> list[tuple[Any, ...]]:
        """Return the rows of these posts, by a request for each of their partitions."""
        partitions: defaultdict[tuple[int, int], list[PostId]] = defaultdict(list)
        for claim in claims:
            bucket, shard, *_ = self._key(claim, shards).values()
            partitions[bucket, shard].append(claim.post_id)
        requests = (self._store.read(statement, *at, posts) for at, posts in partitions.items())
        return [row for rows in await asyncio.gather(*requests) for row in rows]

    async def _buckets(self, shard: int, span: Span) -> list[int]:
        """Return the buckets that hold posts, in the span's order."""
        within = (self._bucket(span.above), self._bucket(span.below))
        rows = await self._store.read(_BUCKETS, shard % BUCKET_GROUPS, *within)
        return sorted((bucket for (bucket,) in rows), reverse=span.newest_first)

    async def _declare(self, buckets: Iterable[int]) -> None:
        """List every bucket before the first entry in it is written. Durable on return."""
        new = [bucket for bucket in buckets if bucket not in self._declared]
        await self._store.write(
            _DECLARE.row(bucket_group=group, bucket=bucket, version=ADDED)
            for bucket in new
            for group in range(BUCKET_GROUPS)
        )
        self._declared.update(new)

    async def _write(self, statement: Statement, rows: Sequence[RememberedTerms]) -> None:
        for some in _portions(rows):
            await self._store.write_columns(statement, self._entries(some))

    def _entries(self, rows: Sequence[RememberedTerms]) -> dict[str, Column]:
        """Return an entry for each term, by column."""
        counts = [each.size for each in rows]
        terms = np.frombuffer(b"".join(each.terms for each in rows), ">i8").astype(np.int64)
        claims = np.repeat(id_columns([each.claim for each in rows], 2), counts, axis=1)
        buckets = [self._bucket(each.claim.post_id) for each in rows]
        return {
            "bucket": np.repeat(buckets, counts),
            "shard": term_shards(terms),
            "term": terms,
            "post_id": claims[0],
            "author_id": claims[1],
            "version": np.repeat([each.version for each in rows], counts),
        }

    def _kept(self, rows: Sequence[RememberedTerms]) -> dict[str, Column]:
        keys = [self._key(each.claim, POST_SHARDS) for each in rows]
        return {
            **{column: [key[column] for key in keys] for column in _KEY},
            "said": [each.key for each in rows],
            "terms": [each.terms for each in rows],
            "version": [each.version for each in rows],
        }

    def _key(self, claim: PostClaim, shards: int) -> dict[str, int]:
        """Return the columns of `_KEY`, in order: the partition of a claim, then the claim."""
        shard = slot(claim.post_id) * shards // SLOTS
        return {"bucket": self._bucket(claim.post_id), "shard": shard, **claim._asdict()}

    def _bucket(self, post: int) -> int:
        return bucket_of(post, self._epoch)


@lru_cache(CACHED_TERMS)
def hashed_term(term: str) -> int:
    """Return the 64-bit hash of a term, signed: BLAKE2b, which is the same in every process."""
    return int.from_bytes(blake2b(term.encode(), digest_size=8).digest(), "big", signed=True)


def term_shard(term: int) -> int:
    """Return the shard of a hashed term: its top bits."""
    return term % 2**64 >> 64 - SHARD_BITS


def term_shards(terms: IdArray) -> IdArray:
    """Return the shards of many hashed terms."""
    return (terms.view(np.uint64) >> np.uint64(64 - SHARD_BITS)).astype(np.int64)


def _hashed(post: PostTerms) -> RememberedTerms:
    terms = sorted(map(hashed_term, post.terms))
    packed = b"".join(term.to_bytes(8, "big", signed=True) for term in terms)
    key = blake2b(packed, digest_size=8).digest()
    said = int.from_bytes(key, "big", signed=True)
    return RememberedTerms(post.claim, said, packed, post.version)


def _portions(rows: Iterable[RememberedTerms]) -> Iterator[list[RememberedTerms]]:
    """Cut rows into portions of about ENTRIES_AT_ONCE entries."""
    portion: list[RememberedTerms] = []
    count = 0
    for each in rows:
        portion.append(each)
        count += each.size
        if count >= ENTRIES_AT_ONCE:
            yield portion
            portion, count = [], 0
    if portion:
        yield portion


def _distinct_shards(terms: Iterable[int]) -> Iterator[Mapping[int, int]]:
    """Group terms by shard so that no two of a group share one: {shard: term}.

    A limit for each partition is then a limit for each term.
    """
    waiting = sorted(terms)
    while waiting:
        group: dict[int, int] = {}
        waiting = [term for term in waiting if group.setdefault(term_shard(term), term) != term]
        yield group
