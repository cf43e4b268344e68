"""What else could write the rows of a run, measured beside it: the figures that ratios are to.

Each writes into a table of its own in the run's keyspace, none goes through Kafka or Faust.
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
from loadtest.store import RunStore, execute_statements, retry_timeouts
from schemas.ids import IdArray
from services.storage.cluster import create_cluster, run_in_thread
from services.storage.statements import insert
from services.timelines.store import EntryBlock

ENTRIES_AT_ONCE = 65_536
"""In one call of the writer, as the fan-out's handler makes them."""
CALLS = 4
"""At a time, as the delivery loop of the fan-out has batches in flight."""
NAIVE_IN_FLIGHT = 256
NAIVE_SECONDS = 8.0
"""The naive worker's figure is steady after a second; all rows would take minutes."""
TTL_SECONDS = 33 * 86_400
"""As entries have it, with the default retention."""
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
    """The entries of these (author, post) pairs, as the fan-out's handler brings them together.

    At most so many in all; a post is not cut but where it alone is more than one batch.
    """
    some: list[ReferenceBatch] = []
    found: ReferenceBatch = []
    held = total = 0
    for author, post in zip(posts.users.tolist(), posts.posts.tolist(), strict=True):
        followers = lists.of(author)[: most - total]
        for start in range(0, len(followers), ENTRIES_AT_ONCE):
            part = followers[start : start + ENTRIES_AT_ONCE]
            if held + len(part) > ENTRIES_AT_ONCE:
                some.append(found)
                found, held = [], 0
            found.append(EntryBlock(part, np.array([post])))
            held += len(part)
        total += len(followers)
        if total >= most:
            break
    return [*some, found] if found else some


def flatten_batch(batch: ReferenceBatch) -> Entries:
    """The entries of a batch, whose blocks have one post each."""
    posts = np.concatenate([each.posts for each in batch])
    return Entries(
        np.concatenate([each.users for each in batch]),
        np.repeat(posts, [len(each.users) for each in batch]),
    )


class References:
    """Rows a second of each way, for the same rows."""

    def __init__(self, run: RunStore) -> None:
        self._run = run

    async def prepare(self) -> None:
        keyspace = self._run.settings.cassandra_keyspace
        await execute_statements(self._run.settings, USERS_TABLE.format(keyspace=keyspace))
        await self._run.create_limit()

    async def store_limit(self, batches: Sequence[ReferenceBatch]) -> float:
        """Timeline shards, written as the worker writes them, by the same code."""
        return await _rate(self._run.limit.add_home_entries, batches)

    async def per_user_layout(self, batches: Sequence[ReferenceBatch]) -> float:
        """A Cassandra partition for each user, packed batches, regrouped the same way."""

        async def write(batch: ReferenceBatch) -> None:
            some = flatten_batch(batch)
            await self._run.store.write_columns(
                _USERS,
                {
                    "user_id": some.users,
                    "post_id": some.posts,
                    "ttl": TTL_SECONDS,
                    "version": 1,
                },
            )

        return await _rate(write, batches)

    async def naive(self, batches: Sequence[ReferenceBatch]) -> float:
        """One prepared INSERT per follower through the driver, so many in flight."""
        users, posts = flatten_batch([block for batch in batches for block in batch])
        return await run_in_thread(
            lambda: self._insert_each(users, posts), seconds=10 * NAIVE_SECONDS, what="naive writes"
        )

    def _insert_each(self, users: IdArray, posts: IdArray) -> float:
        settings = self._run.settings
        ours = create_cluster(settings)
        try:
            session = ours.connect()
            query = session.prepare(
                _NAIVE.format(keyspace=settings.cassandra_keyspace, ttl=TTL_SECONDS)
            )
            query.consistency_level = ConsistencyLevel.LOCAL_QUORUM
            flight = _Flight()
            began = time.monotonic()
            written = 0
            for values in zip(users.tolist(), posts.tolist(), strict=True):
                if time.monotonic() - began > NAIVE_SECONDS:
                    break
                flight.take_off()
                request = session.execute_async(query.bind(values))
                request.add_callbacks(flight.landed, flight.failed)
                written += 1
            flight.wait()
            return written / (time.monotonic() - began)
        finally:
            ours.shutdown()


class _Flight:
    """Requests in flight, at most NAIVE_IN_FLIGHT."""

    def __init__(self) -> None:
        self._count = 0
        self._errors: list[BaseException] = []
        self._changed = Condition()

    def take_off(self) -> None:
        self._below(NAIVE_IN_FLIGHT)
        with self._changed:
            self._count += 1

    def landed(self, _: Any) -> None:
        with self._changed:
            self._count -= 1
            self._changed.notify()

    def failed(self, error: BaseException) -> None:
        self._errors.append(error)
        self.landed(None)

    def wait(self) -> None:
        """Until all have landed."""
        self._below(1)

    def _below(self, count: int) -> None:
        with self._changed:
            if not self._changed.wait_for(lambda: self._count < count, NAIVE_SECONDS):
                raise TimeoutError("the store answers no request of the naive worker")
        for error in self._errors:
            raise error


async def _rate(
    write: Callable[[ReferenceBatch], Awaitable[None]], batches: Sequence[ReferenceBatch]
) -> float:
    """Rows a second, so many calls at a time."""
    turn = asyncio.Semaphore(CALLS)

    async def one(batch: ReferenceBatch) -> None:
        async with turn:
            await retry_timeouts(lambda: write(batch))

    began = time.monotonic()
    await asyncio.gather(*(one(batch) for batch in batches))
    entries = sum(block.entries for batch in batches for block in batch)
    return entries / (time.monotonic() - began)
