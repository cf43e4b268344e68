"""Where blocks of home entries go: pieces for one statement each, and rows on their own.

A statement that names many users and posts of one shard costs Cassandra half of what as many rows
cost that come one by one: it builds the partition's rows in order, and parses one header.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np

from schemas.ids import SLOTS, IdArray, slots
from services.timelines.store import EntryBlock

TOGETHER = 8
"""Rows that a statement should have, on average: it costs the client as much as 50 rows packed by
numpy, and below this Cassandra hardly gains."""
ROWS_A_STATEMENT = 4_096
"""At most: 49 KB, and what a statement writes Cassandra holds as objects until it is written."""


_NONE = np.array([], np.int64)


class BatchPiece(NamedTuple):
    """All pairs of these users, who are of one shard, and these posts, which are of one bucket."""

    bucket: int
    shard: int
    users: IdArray
    posts: IdArray


class EntryRows(NamedTuple):
    """Pairs, one by one: bucket, shard, user and post of each."""

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
    """Every entry of the blocks once, in a piece where its block is dense enough for that."""
    pieces: list[BatchPiece] = []
    thin: list[EntryBlock] = []
    for block in blocks:
        if not _is_dense(block, shards):
            thin.append(block)
            continue
        buckets = bucket_of(block.posts)
        for bucket in np.unique(buckets).tolist():
            part = EntryBlock(block.users, block.posts[buckets == bucket])
            if _is_dense(part, shards):
                pieces += _pieces(bucket, part, shards)
            else:
                thin.append(part)
    return HomeBatches(pieces, _rows(thin, bucket_of, shards))


def home_shards(users: IdArray, shards: int) -> IdArray:
    """The shard of each user."""
    return slots(users) * shards // SLOTS


def _is_dense(block: EntryBlock, shards: int) -> bool:
    return block.entries >= TOGETHER * min(shards, len(block.users)) > 0


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
    """Of a post at a time: numpy repeats all posts of all blocks in one call."""
    each = [(users, post) for users, posts in blocks for post in posts.tolist()]
    users = np.concatenate([_NONE, *(some for some, _ in each)])
    posts = np.repeat(
        np.array([post for _, post in each], np.int64), [len(some) for some, _ in each]
    )
    return EntryRows(bucket_of(posts), home_shards(users, shards), users, posts)


def _portions(users: IdArray, posts: IdArray) -> Iterator[tuple[IdArray, IdArray]]:
    """All pairs, in parts that one statement takes."""
    wide = min(len(posts), ROWS_A_STATEMENT)
    high = ROWS_A_STATEMENT // wide
    lows = product(range(0, len(users), high), range(0, len(posts), wide))
    for low, left in lows:
        yield users[low : low + high], posts[left : left + wide]
