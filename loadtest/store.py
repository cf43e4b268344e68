"""The store of a run: a keyspace of its own, into which it loads the graph, and reads homes back.

A composition root: the graph is loaded through the product's own adapters, since through Kafka a
million edges would take as long as the run itself.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry

from loadtest.expected import Entries
from loadtest.graph import Graph
from schemas.events import FollowCreated
from schemas.ids import SLOTS, IdArray, PostId, UserId, Version
from services.clock import Clock
from services.errors import StoreUnavailable
from services.generations.cassandra import CassandraGenerations
from services.graph.cassandra import CassandraGraph
from services.graph.edge import EdgeMutation
from services.graph.store import SlotRange
from services.metrics.metrics import Metrics
from services.relations.cassandra import CassandraRelations
from services.relations.mutation import relation_mutation
from services.retention import Retention
from services.settings.settings import Settings
from services.storage.cluster import create_cluster, run_in_thread
from services.storage.migrations import available_migrations
from services.storage.session import Store, connect
from services.storage.statements import Statement, select
from services.timelines.cassandra import SHARDS, CassandraHomeGeneration

T = TypeVar("T")

LIMIT_GENERATION = "limit"
HOME_SHARDS = SHARDS
"""Shards of home timelines, as workers write them."""
EDGES_AT_ONCE = 50_000
"""In one call of the graph store: some 5 MB of packed rows, and a check for full lists."""
ROWS_AT_ONCE = 100_000
"""Rows of a shard in one request, when all homes are read: 3 MB."""
TIMEOUT_SECONDS = 60.0
"""Timeout of the run's own requests, which can wait."""
TRIES = 10
"""Attempts of what may be repeated on a busy machine; workers retry without end."""
DEFINE_SECONDS = 120.0

_PLACES = Statement(
    "home_timeline", "places", "SELECT DISTINCT bucket, shard FROM {keyspace}.home_timeline"
)
_ROWS = select(
    "home_timeline",
    "scan",
    "user_id, post_id",
    "WHERE bucket = ? AND shard = ? AND user_id > ? LIMIT ?",
)


class RunStore(NamedTuple):
    """One connection, and the product's adapters on it."""

    store: Store
    settings: Settings
    graph: CassandraGraph
    homes: CassandraHomeGeneration
    limit: CassandraHomeGeneration
    """A generation that no worker writes."""

    @classmethod
    async def open(cls, settings: Settings, clock: Clock) -> "RunStore":
        """Connect to a keyspace that is migrated. Raises StoreUnavailable."""
        patient = settings.model_copy(update={"store_timeout_seconds": TIMEOUT_SECONDS})
        store = await connect(patient, Metrics(CollectorRegistry()))
        retention = Retention(settings.retention_days, settings.epoch)
        homes = CassandraHomeGeneration(store, retention, clock)
        limit = CassandraHomeGeneration(store, retention, clock, generation=LIMIT_GENERATION)
        return cls(store, settings, CassandraGraph(store, clock), homes, limit)

    async def create_limit(self) -> None:
        """Create the tables that `limit` writes, as replays create theirs."""
        await CassandraGenerations(self.store, self.settings, available_migrations()).create(
            LIMIT_GENERATION
        )

    async def load(self, graph: Graph, version: int, advance: Callable[[int], None]) -> None:
        """Load the follower lists, and the readers' own lists of followees."""
        order = _scattered(graph.followees)
        for start in range(0, len(order), EDGES_AT_ONCE):
            part = order[start : start + EDGES_AT_ONCE]
            pairs = zip(graph.followers[part].tolist(), graph.followees[part].tolist(), strict=True)
            edges = [EdgeMutation(UserId(a), UserId(b), Version(version), False) for a, b in pairs]
            await retry_timeouts(partial(self.graph.record, edges))
            advance(len(part))
        reads = np.isin(graph.followers, graph.readers)
        pairs = zip(graph.followers[reads].tolist(), graph.followees[reads].tolist(), strict=True)
        relations = [
            relation_mutation(FollowCreated(version=version, follower_id=a, followee_id=b))
            for a, b in pairs
        ]
        await retry_timeouts(partial(CassandraRelations(self.store).record, relations))

    async def followers(self, authors: Sequence[int]) -> dict[int, int]:
        """Return how many followers the fan-out would find of each author."""
        ranges = [SlotRange(UserId(each), 0, SLOTS) for each in authors]
        found = await self.graph.followers(ranges)
        return {author: len(each) for author, each in zip(authors, found, strict=True)}

    async def holds(self, user: int, post: int) -> bool:
        """Whether the entry can be read."""
        return await self.homes.in_home(UserId(user), PostId(post))

    async def shards(self) -> AsyncIterator[tuple[int, Entries]]:
        """Yield the entries of all homes, shard by shard."""
        places: dict[int, list[int]] = {}
        for bucket, shard in await self.store.read(_PLACES):
            places.setdefault(shard, []).append(bucket)
        for shard, buckets in sorted(places.items()):
            parts = [part for bucket in buckets async for part in self._rows(bucket, shard)]
            columns = zip(*parts, strict=True)
            yield shard, Entries(*(np.concatenate(column) for column in columns))

    async def _rows(self, bucket: int, shard: int) -> AsyncIterator[Entries]:
        after = -1
        while True:
            page = partial(self.store.read_arrays, _ROWS, bucket, shard, after, ROWS_AT_ONCE)
            rows = await retry_timeouts(page)
            users, posts = rows["user_id"], rows["post_id"]
            if len(users) < ROWS_AT_ONCE:
                yield Entries(users, posts)
                return
            whole = users != users[-1]  # the last user may have more
            after = int(users[whole][-1])
            yield Entries(users[whole], posts[whole])


async def retry_timeouts(work: Callable[[], Awaitable[T]]) -> T:
    """Return the result of work, tried again while the store is unavailable."""
    for _ in range(TRIES - 1):
        with suppress(StoreUnavailable):
            return await work()
    return await work()


async def execute_cql(settings: Settings, statement: str) -> list[Any]:
    """Execute a statement on a connection of its own and return its rows."""

    def execute() -> list[Any]:
        with create_cluster(settings) as cluster:
            return list(cluster.connect().execute(statement, timeout=DEFINE_SECONDS))

    return await run_in_thread(execute, seconds=2 * DEFINE_SECONDS, what="a CQL statement")


async def cassandra_version(settings: Settings) -> str:
    """Return Cassandra's version."""
    [row] = await execute_cql(settings, "SELECT release_version FROM system.local")
    return str(row[0])


def _scattered(followees: IdArray) -> NDArray[np.int64]:
    """Return an order by author, with followers in random order, as edges are made over time."""
    random = np.random.default_rng(len(followees))
    return np.lexsort((random.random(len(followees)), followees))


def to_entries(authors: Sequence[int], posts: Sequence[int]) -> Entries:
    """Return pairs of an author and a post."""
    return Entries(np.array(authors, np.int64), np.array(posts, np.int64))
