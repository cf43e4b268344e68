"""Other ways to write the rows of a run, measured beside it for comparison.

Each writes into tables of its own in the run's keyspace, without Kafka and Faust.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from threading import Condition
from typing import Any

import numpy as np
from cassandra import ConsistencyLevel

from loadtest.expected import Entries
from loadtest.graph import FollowerLists
from loadtest.store import RunStore, execute_cql, retry_timeouts
from schemas.ids import IdArray
from services.storage.cluster import create_cluster, run_in_thread
from services.storage.statements import insert
from services.timelines.store import EntryBlock

ENTRIES_AT_ONCE = 65_536
"""In one call of the store, as in the fan-out's handler."""
CALLS = 4
"""Calls in flight, as many as batches in the delivery loop of the fan-out."""
NAIVE_IN_FLIGHT = 256
NAIVE_SECONDS = 8.0
"""The naive worker's figure is steady after a second; all rows would take minutes."""
TTL_SECONDS = 33 * 86_400
"""TTL of entries with the default retention."""
USERS_TABLE = (
    "CREATE TABLE IF NOT EXISTS {keyspace}.load_users (user_id bigint, post_id bigint, "
    "PRIMARY KEY (user_id, post_id)) WITH CLUSTERING ORDER BY (post_id DESC) "
    "AND compaction = {{'class': 'UnifiedCompactionStrategy'}}"
)
_USERS = insert("load_users", "user_id", "post_id", ttl=True)
_NAIVE = (
    "INSERT INTO {keyspace}.load_users (user_id, post_id) VALUES (?, ?) "
    "USING TTL {ttl} AND TIMESTAMP 1"
)


ReferenceBatch = list[EntryBlock]


def reference_batches(lists: FollowerLists, posts: Entries, most: int) -> list[ReferenceBatch]:
    """Return the entries of these (author, post) pairs in the batches of the fan-out's handler.

    They are `most` entries in all, at most. A post is split only if it exceeds a batch.
    """
    batches: list[ReferenceBatch] = []
    batch: ReferenceBatch = []
    size = total = 0
    for author, post in zip(posts.users.tolist(), posts.posts.tolist(), strict=True):
        followers = lists.of(author)[: most - total]
        for start in range(0, len(followers), ENTRIES_AT_ONCE):
            part = followers[start : start + ENTRIES_AT_ONCE]
            if size + len(part) > ENTRIES_AT_ONCE:
                batches.append(batch)
                batch, size = [], 0
            batch.append(EntryBlock(part, np.array([post])))
            size += len(part)
        total += len(followers)
        if total >= most:
            break
    return [*batches, batch] if batch else batches


def flatten_batch(batch: ReferenceBatch) -> Entries:
    """Return the entries of a batch whose blocks have one post each."""
    posts = np.concatenate([each.posts for each in batch])
    return Entries(
        np.concatenate([each.users for each in batch]),
        np.repeat(posts, [len(each.users) for each in batch]),
    )


class References:
    """Measures the rows per second of each way, for the same rows."""

    def __init__(self, run: RunStore) -> None:
        self._run = run

    async def prepare(self) -> None:
        keyspace = self._run.settings.cassandra_keyspace
        await execute_cql(self._run.settings, USERS_TABLE.format(keyspace=keyspace))
        await self._run.create_limit()

    async def store_limit(self, batches: Sequence[ReferenceBatch]) -> float:
        """Write timeline shards with the worker's own code."""
        return await _rate(self._run.limit.add_home_entries, batches)

    async def per_user_layout(self, batches: Sequence[ReferenceBatch]) -> float:
        """Write a Cassandra partition for each user, in packed batches grouped the same way."""

        async def write(batch: ReferenceBatch) -> None:
            users, posts = flatten_batch(batch)
            await self._run.store.write_columns(
                _USERS, {"user_id": users, "post_id": posts, "ttl": TTL_SECONDS, "version": 1}
            )

        return await _rate(write, batches)

    async def naive(self, batches: Sequence[ReferenceBatch]) -> float:
        """Write with one prepared INSERT per follower through the driver, bounded in flight."""
        users, posts = flatten_batch([block for batch in batches for block in batch])
        return await run_in_thread(
            lambda: self._insert_each(users, posts), seconds=10 * NAIVE_SECONDS, what="naive writes"
        )

    def _insert_each(self, users: IdArray, posts: IdArray) -> float:
        settings = self._run.settings
        with create_cluster(settings) as cluster:
            session = cluster.connect()
            query = session.prepare(
                _NAIVE.format(keyspace=settings.cassandra_keyspace, ttl=TTL_SECONDS)
            )
            query.consistency_level = ConsistencyLevel.LOCAL_QUORUM
            in_flight = _InFlight()
            began = time.monotonic()
            written = 0
            for values in zip(users.tolist(), posts.tolist(), strict=True):
                if time.monotonic() - began > NAIVE_SECONDS:
                    break
                in_flight.acquire()
                request = session.execute_async(query.bind(values))
                request.add_callbacks(in_flight.release, in_flight.fail)
                written += 1
            in_flight.wait()
            return written / (time.monotonic() - began)


class _InFlight:
    """Bounds the requests in flight to NAIVE_IN_FLIGHT."""

    def __init__(self) -> None:
        self._count = 0
        self._errors: list[BaseException] = []
        self._changed = Condition()

    def acquire(self) -> None:
        self._wait_below(NAIVE_IN_FLIGHT)
        with self._changed:
            self._count += 1

    def release(self, _: Any) -> None:
        with self._changed:
            self._count -= 1
            self._changed.notify()

    def fail(self, error: BaseException) -> None:
        self._errors.append(error)
        self.release(None)

    def wait(self) -> None:
        """Wait until no request is in flight. Raises the error of one that failed."""
        self._wait_below(1)

    def _wait_below(self, count: int) -> None:
        with self._changed:
            if not self._changed.wait_for(lambda: self._count < count, NAIVE_SECONDS):
                raise TimeoutError("the store does not answer the naive worker")
        for error in self._errors:
            raise error


async def _rate(
    write: Callable[[ReferenceBatch], Awaitable[None]], batches: Sequence[ReferenceBatch]
) -> float:
    """Return the rows per second with CALLS calls in flight."""
    slots = asyncio.Semaphore(CALLS)

    async def write_batch(batch: ReferenceBatch) -> None:
        async with slots:
            await retry_timeouts(lambda: write(batch))

    began = time.monotonic()
    await asyncio.gather(*(write_batch(batch) for batch in batches))
    entries = sum(block.entries for batch in batches for block in batch)
    return entries / (time.monotonic() - began)
