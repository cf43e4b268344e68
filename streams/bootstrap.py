"""The composition root: the one place where adapters are chosen. Nothing connects at import."""

import time
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import NamedTuple

from litestar import Litestar
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector

from schemas.codec import decode
from schemas.errors import SchemaViolation
from services.conversations.cassandra import CassandraConversations
from services.conversations.memory import MemoryConversations
from services.fanout.plan import Policy
from services.graph.cassandra import CassandraGraph
from services.graph.memory import MemoryGraph
from services.metrics import Metrics
from services.posts.cassandra import CassandraPosts
from services.posts.memory import MemoryPosts
from services.pulled.cassandra import CassandraPulled
from services.pulled.memory import MemoryPulled
from services.relations.cassandra import CassandraRelations
from services.relations.memory import MemoryRelations
from services.reposts.cassandra import CassandraReposts
from services.reposts.memory import MemoryReposts
from services.search.cassandra import CassandraTerms
from services.search.memory import MemoryTerms
from services.search.words.cassandra import CassandraWords
from services.settings import Settings
from services.storage.migrations import available
from services.storage.session import Store
from services.stores import Stores
from services.timelines.cassandra import CassandraTimelines
from services.timelines.memory import MemoryTimelines
from services.timelines.retention import Clock, Retention
from streams.acks import AckTracker
from streams.app import App, create_app
from streams.brake.brakes import Brakes
from streams.brake.cassandra import CassandraBrakes
from streams.brake.memory import MemoryBrakes
from streams.brake.store import BrakeStore
from streams.clock import SystemClock
from streams.dead_letters import OutboxDeadLetters
from streams.delivery import Delivery
from streams.handlers import ROLES, ROUTES, direct_handlers, handlers
from streams.letters.cassandra import CassandraSettled
from streams.letters.memory import MemorySettled
from streams.letters.store import SettledLetters
from streams.outbox import Outbox
from streams.replay.loops import create_loops
from streams.replay.plan import Plan
from streams.replay.run import Limits as ReplayLimits
from streams.replay.run import Live, Replay, Told
from streams.requests import KafkaRequests


def now() -> int:
    """The present, in milliseconds since the Unix epoch."""
    return time.time_ns() // 1_000_000


def now_in_microseconds() -> int:
    """The same as a write timestamp."""
    return time.time_ns() // 1_000


def create_metrics() -> Metrics:
    """Metrics of this process, on a registry of their own."""
    registry = CollectorRegistry()
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    return Metrics(registry)


async def _at_once() -> None:
    """What is in memory needs no connection."""


class Deps(NamedTuple):
    """What a process is made of."""

    settings: Settings
    metrics: Metrics
    stores: Stores
    clock: Clock = now
    connect: Callable[[], Awaitable[None]] = _at_once
    """What the stores need before they answer. Raises StoreUnavailable: to be tried again."""
    brakes: BrakeStore | None = None
    """None keeps them no longer than the apps."""

    @property
    def retention(self) -> Retention:
        return Retention(self.settings.retention_days, self.settings.epoch)


def memory_stores() -> Stores:
    """Stores that live and end with this process."""
    return Stores(
        MemoryPosts(),
        MemoryGraph(),
        MemoryTimelines(),
        MemoryConversations(),
        MemoryRelations(),
        MemoryTerms(),
        MemoryReposts(),
        MemoryTerms(),
        MemoryPulled(),
    )


def cassandra_stores(store: Store, settings: Settings, clock: Clock = now) -> Stores:
    """Stores on a connection to Cassandra."""
    retention = Retention(settings.retention_days, settings.epoch)
    return Stores(
        CassandraPosts(store),
        CassandraGraph(store),
        CassandraTimelines(store, retention, clock),
        CassandraConversations(store),
        CassandraRelations(store),
        CassandraTerms(store, settings.epoch),
        CassandraReposts(store, retention, clock),
        CassandraWords(store, settings.epoch),
        CassandraPulled(store, retention, clock),
    )


def mending_stores(store: Store, settings: Settings, clock: Clock = now) -> Stores:
    """The same, for those who mend: entries are written over what was removed from outside.

    An entry is a row of keys, which no writer of ours removes; a removal by somebody else would
    hide what is written again under the entries' common timestamp. Under the present it does not.
    """
    retention = Retention(settings.retention_days, settings.epoch)
    return cassandra_stores(store, settings, clock)._replace(
        timelines=CassandraTimelines(store, retention, clock, version=now_in_microseconds),
        reposts=CassandraReposts(store, retention, clock, version=now_in_microseconds),
        conversations=CassandraConversations(store, version=now_in_microseconds),
        pulled=CassandraPulled(store, retention, clock, version=now_in_microseconds),
    )


def cassandra_brakes(store: Store) -> BrakeStore:
    """Brakes on the same connection."""
    return CassandraBrakes(store)


def cassandra_settled(store: Store) -> SettledLetters:
    """What became of dead letters, on the same connection."""
    return CassandraSettled(store)


def memory_settled() -> SettledLetters:
    """Of which nothing is known but what this process does."""
    return MemorySettled()


def create_store(settings: Settings, metrics: Metrics) -> Store:
    """The connection that `cassandra_stores` needs; nothing connects yet."""
    return Store(settings, metrics, migrations=available())


async def connect_store(settings: Settings, metrics: Metrics) -> Store:
    """The same, connected. Raises StoreUnavailable."""
    store = create_store(settings, metrics)
    await store.connect()
    return store


def create_workers(deps: Deps, outbox: Outbox, roles: Iterable[str] = ROLES) -> list[App]:
    """An app for each role, its agents registered; what they produce leaves by `outbox`."""
    see_to = handlers(
        deps.stores,
        KafkaRequests(outbox),
        deps.metrics,
        deps.retention,
        deps.clock,
        policy=Policy(deps.settings.bulk_followers, deps.settings.pull_followers),
    )
    kept = deps.brakes or MemoryBrakes()
    apps = []
    for role in roles:
        app = create_app(role, deps.settings, deps.metrics)
        app.brakes = Brakes(kept, deps.metrics, deps.clock)
        for route in (each for each in ROUTES if each.role == role):
            app.deliver(
                Delivery(
                    agent=route.agent,
                    topic=route.topic,
                    decode=partial(decode, route.topic, epoch=deps.settings.epoch),
                    handle=see_to[route.agent],
                    dead_letters=OutboxDeadLetters(outbox),
                    acks=app.intake.acks,
                    metrics=deps.metrics,
                    brake=app.brakes.of(route.brake),
                    skips=(SchemaViolation,) if route.is_second else (),
                    bounds=route.bounds,
                )
            )
        apps.append(app)
    return apps


def create_replay(  # noqa: PLR0913 - a composition
    plan: Plan, deps: Deps, outbox: Outbox, live: Live, *, limits: ReplayLimits, told: Told
) -> Replay:
    """One process of a replay, on these stores."""
    acks = AckTracker()
    see_to = direct_handlers(
        deps.stores,
        deps.metrics,
        deps.retention,
        deps.clock,
        backfills=not plan.edges_first,
        pull_followers=deps.settings.pull_followers,
    )
    loops = create_loops(
        plan,
        see_to,
        acks=acks,
        dead_letters=OutboxDeadLetters(outbox),
        metrics=deps.metrics,
        epoch=deps.settings.epoch,
    )
    return Replay(
        plan,
        deliveries=loops,
        acks=acks,
        live=live,
        metrics=deps.metrics,
        clock=SystemClock(),
        limits=limits,
        told=told,
    )


def create_api(deps: Deps) -> Litestar:
    """The HTTP API on these stores."""
    from services.api.app import create_api as api_on  # noqa: PLC0415 - workers do without it

    return api_on(deps.stores, deps.settings, deps.metrics, deps.clock)
