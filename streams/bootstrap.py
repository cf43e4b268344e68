"""The composition root: the one place where adapters are chosen. Nothing connects at import."""

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import NamedTuple

from litestar import Litestar
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector

from schemas.codec import decode
from schemas.errors import SchemaViolation
from services.activity.cassandra import CassandraActivity
from services.activity.inactive_users import InactiveUsers
from services.activity.memory import MemoryActivity
from services.clock import Clock, now_ms, now_us
from services.conversations.cassandra import CassandraConversations
from services.conversations.memory import MemoryConversations
from services.generations.cassandra import CassandraGenerations
from services.generations.memory import MemoryGenerations
from services.generations.store import GenerationStore
from services.generations.view import FixedGeneration, FollowedGenerations, GenerationsView
from services.graph.cassandra import CassandraGraph
from services.graph.memory import MemoryGraph
from services.handlers.delivery import ActiveFollowers, everyone_active
from services.handlers.pages import FanOutPolicy
from services.metrics.metrics import Metrics
from services.posts.cassandra import CassandraPosts
from services.posts.memory import MemoryPosts
from services.pulled.cassandra import CassandraPulled
from services.pulled.memory import MemoryPulled
from services.relations.cassandra import CassandraRelations
from services.relations.memory import MemoryRelations
from services.reposts.cassandra import CassandraReposts
from services.reposts.memory import MemoryReposts
from services.retention import Retention
from services.search.cassandra import CassandraTerms
from services.search.memory import MemoryTerms
from services.search.words.cassandra import CassandraWords
from services.settings.settings import Settings
from services.storage.migrations import available_migrations
from services.storage.session import Store
from services.storage.statements import RowVersion, keys_only
from services.stores import Stores
from services.timelines.cassandra import CassandraAuthorTimelines, CassandraHomeGeneration
from services.timelines.generational import GenerationalHomeTimelines
from services.timelines.memory import MemoryAuthorTimelines, MemoryHomeGeneration
from streams.app import App, create_app, member_name
from streams.dead_letters.cassandra import CassandraResolutions
from streams.dead_letters.memory import MemoryResolutions
from streams.dead_letters.store import DeadLetterResolutions
from streams.delivery.brake.brakes import Brakes
from streams.delivery.brake.cassandra import CassandraBrakes
from streams.delivery.brake.memory import MemoryBrakes
from streams.delivery.brake.store import BrakeStore
from streams.delivery.dead_letters import OutboxDeadLetterWriter
from streams.delivery.loop import DeliveryLoop
from streams.outbox import Outbox
from streams.replay.acknowledgement import GenerationAcknowledger
from streams.requests import KafkaRequestOutbox
from streams.routes import ROLES, ROUTES, WRITE_HOMES, create_handlers


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
    clock: Clock = now_ms
    connect: Callable[[], Awaitable[None]] = _at_once
    """What the stores need before they answer. Raises StoreUnavailable: to be tried again."""
    brakes: BrakeStore | None = None
    """None keeps them no longer than the apps."""
    generations: GenerationStore | None = None
    """None has one generation for ever."""

    @property
    def retention(self) -> Retention:
        return Retention(self.settings.retention_days, self.settings.epoch)


def memory_stores() -> Stores:
    """Stores that live and end with this process."""
    view = FollowedGenerations(MemoryGenerations().load)
    return Stores(
        MemoryPosts(),
        MemoryGraph(),
        MemoryAuthorTimelines(),
        GenerationalHomeTimelines(view, MemoryHomeGeneration),
        MemoryConversations(),
        MemoryRelations(),
        MemoryTerms(),
        MemoryReposts(),
        MemoryTerms(),
        MemoryPulled(),
        MemoryActivity(),
    )


def cassandra_stores(
    store: Store, settings: Settings, clock: Clock = now_ms, generation: str | None = None
) -> Stores:
    """Stores on a connection to Cassandra; homes of one generation, or as they are listed."""
    return _on_cassandra(store, settings, clock, generation, keys_only)


def repair_stores(
    store: Store, settings: Settings, clock: Clock = now_ms, generation: str | None = None
) -> Stores:
    """The same, for those who mend: entries are written over what was removed from outside.

    An entry is a row of keys, which no writer of ours removes; a removal by somebody else would
    hide what is written again under the entries' common timestamp. Under the present it does not.
    """
    return _on_cassandra(store, settings, clock, generation, now_us)


def _on_cassandra(
    store: Store, settings: Settings, clock: Clock, generation: str | None, version: RowVersion
) -> Stores:
    retention = Retention(settings.retention_days, settings.epoch)
    view: GenerationsView = FollowedGenerations(cassandra_generations(store, settings).load)
    if generation is not None:
        view = FixedGeneration(view, generation)

    def homes(name: str) -> CassandraHomeGeneration:
        return CassandraHomeGeneration(store, retention, clock, version=version, generation=name)

    return Stores(
        CassandraPosts(store),
        CassandraGraph(store, clock),
        CassandraAuthorTimelines(store, version),
        GenerationalHomeTimelines(view, homes),
        CassandraConversations(store, version=version),
        CassandraRelations(store),
        CassandraTerms(store, settings.epoch),
        CassandraReposts(store, retention, clock, version=version),
        CassandraWords(store, settings.epoch),
        CassandraPulled(store, retention, clock, version=version),
        CassandraActivity(store),
    )


def cassandra_generations(store: Store, settings: Settings) -> GenerationStore:
    """The list of generations, on the same connection."""
    return CassandraGenerations(store, settings, available_migrations())


def cassandra_brakes(store: Store) -> BrakeStore:
    """Brakes on the same connection."""
    return CassandraBrakes(store)


def cassandra_resolutions(store: Store) -> DeadLetterResolutions:
    """What became of dead letters, on the same connection."""
    return CassandraResolutions(store)


def memory_resolutions() -> DeadLetterResolutions:
    """Of which nothing is known but what this process does."""
    return MemoryResolutions()


def create_store(settings: Settings, metrics: Metrics) -> Store:
    """The connection that `cassandra_stores` needs; nothing connects yet."""
    return Store(settings, metrics, migrations=available_migrations())


async def connect_store(settings: Settings, metrics: Metrics) -> Store:
    """The same, connected. Raises StoreUnavailable."""
    store = create_store(settings, metrics)
    await store.connect()
    return store


def create_inactive_users(deps: Deps) -> InactiveUsers:
    """Whom one worker leaves out; nobody, as long as it does not look."""
    return InactiveUsers(deps.stores.activity, deps.settings.inactive_days, deps.clock)


def create_workers(
    deps: Deps,
    outbox: Outbox,
    roles: Iterable[str] = ROLES,
    active_followers: ActiveFollowers = everyone_active,
) -> list[App]:
    """An app for each role, its agents registered; what they produce leaves by `outbox`."""
    see_to = create_handlers(
        deps.stores,
        KafkaRequestOutbox(outbox),
        deps.metrics,
        deps.retention,
        deps.clock,
        policy=FanOutPolicy(deps.settings.bulk_followers, deps.settings.pull_followers),
        active_followers=active_followers,
    )
    kept = deps.brakes or MemoryBrakes()
    apps = []
    for role in roles:
        app = create_app(role, deps.settings, deps.metrics)
        app.brakes = Brakes(kept, deps.metrics, deps.clock)
        for route in (each for each in ROUTES if each.role == role):
            app.deliver(
                DeliveryLoop(
                    agent=route.agent,
                    topic=route.topic,
                    decode=partial(decode, route.topic, epoch=deps.settings.epoch),
                    handle=see_to[route.agent],
                    dead_letters=OutboxDeadLetterWriter(outbox),
                    acks=app.intake.acks,
                    metrics=deps.metrics,
                    brake=app.brakes.of(route.brake),
                    skips=(SchemaViolation,) if route.is_second else (),
                    bounds=route.bounds,
                )
            )
        apps.append(app)
    return apps


def create_acknowledger(
    deps: Deps, generations: GenerationStore, roles: Iterable[str]
) -> GenerationAcknowledger:
    """A worker's word on which list of generations its roles go by."""
    names = [member_name(deps.settings, each) for each in roles if each in WRITE_HOMES]
    return GenerationAcknowledger(deps.stores.home_timelines, generations, names, deps.clock)


def create_api(deps: Deps) -> Litestar:
    """The HTTP API on these stores."""
    from services.api.app import build_api as api_on  # noqa: PLC0415 - workers do without it

    return api_on(deps.stores, deps.settings, deps.metrics, deps.clock)
