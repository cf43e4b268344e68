"""Splits blocks of home entries into pieces for one statement each, and single rows.

A statement that names many users and posts of one shard costs Cassandra half of as many single
rows: it builds the partition's rows in order, and parses one header.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np

from schemas.ids import SLOTS, IdArray, slots
from services.timelines.store import EntryBlock

MIN_ROWS_A_STATEMENT = 8
"""Rows that a statement has at least, on average: it costs the client as much as 50 rows packed by
numpy, and with fewer Cassandra hardly gains."""
MAX_ROWS_A_STATEMENT = 4_096
"""Rows that a statement has at most, 49 KB: Cassandra holds them as objects until written."""


_NONE = np.array([], np.int64)


class BatchPiece(NamedTuple):
    """All pairs of users of one shard and posts of one bucket."""

    bucket: int
    shard: int
    users: IdArray
    posts: IdArray


class EntryRows(NamedTuple):
    """Single entries, by column."""

    buckets: IdArray
    shards: IdArray
    users: IdArray
    posts: IdArray


class HomeBatches(NamedTuple):
    pieces: list[BatchPiece]
    rows: EntryRows


def place_entries(
    blocks: Iterable[EntryBlock], bucket_of: Callable[[IdArray], IdArray], shards: int
) -> HomeBatches:
    """Return every entry of the blocks once, in a piece where its block is dense enough."""
    pieces: list[BatchPiece] = []
    sparse: list[EntryBlock] = []
    for block in blocks:
        if not _is_dense(block, shards):
            sparse.append(block)
            continue
        buckets = bucket_of(block.posts)
        for bucket in np.unique(buckets).tolist():
            part = EntryBlock(block.users, block.posts[buckets == bucket])
            if _is_dense(part, shards):
                pieces += _pieces(bucket, part, shards)
            else:
                sparse.append(part)
    return HomeBatches(pieces, _rows(sparse, bucket_of, shards))


def home_shards(users: IdArray, shards: int) -> IdArray:
    """Return the shard of each user."""
    return slots(users) * shards // SLOTS


def _is_dense(block: EntryBlock, shards: int) -> bool:
    return block.entries >= MIN_ROWS_A_STATEMENT * min(shards, len(block.users)) > 0


def _pieces(bucket: int, block: EntryBlock, shards: int) -> Iterator[BatchPiece]:
    places = home_shards(block.users, shards)
    order = np.lexsort((block.users, places))  # Cassandra sorts what is not sorted
    users, places = block.users[order], places[order]
    ends = np.flatnonzero(np.append(places[1:] != places[:-1], True)) + 1
    posts = np.sort(block.posts)[::-1]
    start = 0
    for end in ends.tolist():
        shard = int(places[start])
        for some, others in _portions(users[start:end], posts):
            yield BatchPiece(bucket, shard, some, others)
        start = end


def _rows(
    blocks: Sequence[EntryBlock], bucket_of: Callable[[IdArray], IdArray], shards: int
) -> EntryRows:
    """Return the blocks' entries as rows; numpy repeats all posts in one call."""
    each = [(users, post) for users, posts in blocks for post in posts.tolist()]
    users = np.concatenate([_NONE, *(some for some, _ in each)])
    posts = np.repeat(
        np.array([post for _, post in each], np.int64), [len(some) for some, _ in each]
    )
    return EntryRows(bucket_of(posts), home_shards(users, shards), users, posts)


def _portions(users: IdArray, posts: IdArray) -> Iterator[tuple[IdArray, IdArray]]:
    """Yield all pairs in parts that fit one statement."""
    wide = min(len(posts), MAX_ROWS_A_STATEMENT)
    high = MAX_ROWS_A_STATEMENT // wide
    lows = product(range(0, len(users), high), range(0, len(posts), wide))
    for low, left in lows:
        yield users[low : low + high], posts[left : left + wide]
