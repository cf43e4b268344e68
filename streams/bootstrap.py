"""The composition root: the one place where adapters are chosen. Nothing connects at import."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import uuid4

from litestar import Litestar
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector

from schemas.codec import decode
from schemas.errors import SchemaViolation
from services.activity.cassandra import CassandraActivity
from services.activity.inactive_users import InactiveUsers
from services.activity.memory import MemoryActivity
from services.audiences.cassandra import CassandraAudiences
from services.audiences.memory import MemoryAudiences
from services.clock import Clock, now_ms, now_us
from services.conversations.cassandra import CassandraConversations
from services.conversations.memory import MemoryConversations
from services.erasures.cassandra import CassandraErasures
from services.erasures.memory import MemoryErasures
from services.generations.cassandra import CassandraGenerations
from services.generations.memory import MemoryGenerations
from services.generations.store import GenerationStore
from services.generations.view import FixedGeneration, FollowedGenerations, GenerationsView
from services.graph.cassandra import CassandraGraph
from services.graph.memory import MemoryGraph
from services.handlers.delivery import ActiveFollowers, everyone_active
from services.handlers.erasure import Eraser
from services.handlers.handler import Handler
from services.handlers.pages import FanOutPolicy
from services.inboxes.cassandra import CassandraInboxes
from services.inboxes.memory import MemoryInboxes
from services.mentions.cassandra import CassandraMentions
from services.mentions.memory import MemoryMentions
from services.metrics.metrics import Metrics
from services.posts.cassandra import CassandraPosts
from services.posts.memory import MemoryPosts
from services.pulled.cassandra import CassandraPulled
from services.pulled.memory import MemoryPulled
from services.quotes.cassandra import CassandraQuotes
from services.quotes.memory import MemoryQuotes
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
from services.storage.statements import RowVersion, common_row_version
from services.stores import Stores
from services.timelines.cassandra import CassandraAuthorTimelines, CassandraHomeGeneration
from services.timelines.generational import GenerationalHomeTimelines
from services.timelines.memory import MemoryAuthorTimelines, MemoryHomeGeneration
from streams.app import App, create_app
from streams.dead_letters.cassandra import CassandraResolutions
from streams.dead_letters.memory import MemoryResolutions
from streams.dead_letters.store import DeadLetterResolutions
from streams.delivery.brake.brakes import Brakes
from streams.delivery.brake.cassandra import CassandraBrakes
from streams.delivery.brake.memory import MemoryBrakes
from streams.delivery.brake.store import BrakeStore
from streams.delivery.dead_letters import NotReadable, OutboxDeadLetterWriter
from streams.delivery.loop import DeliveryLoop
from streams.erasing import ErasureWork
from streams.kafka.worker_names import new_birth
from streams.outbox import Outbox
from streams.requests import KafkaRequestOutbox
from streams.routes import ROLES, ROUTES, create_handlers


def create_metrics() -> Metrics:
    """Return the metrics of this process, on a registry of their own."""
    registry = CollectorRegistry()
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    return Metrics(registry)


async def _connect_nothing() -> None:
    """Memory needs no connection."""


@dataclass(frozen=True)
class Deps:
    """The adapters that a process is made of; what is not given is in memory."""

    settings: Settings
    metrics: Metrics
    stores: Stores
    clock: Clock = now_ms
    connect: Callable[[], Awaitable[None]] = _connect_nothing
    """Returns when the stores answer. Raises StoreUnavailable; it may then be tried again."""
    brakes: BrakeStore = field(default_factory=MemoryBrakes)
    generations: GenerationStore = field(default_factory=MemoryGenerations)

    @property
    def retention(self) -> Retention:
        return Retention(self.settings.retention_days, self.settings.epoch)


def memory_deps(settings: Settings, metrics: Metrics) -> Deps:
    """Return adapters that end with this process."""
    generations = MemoryGenerations()
    return Deps(settings, metrics, memory_stores(generations), generations=generations)


def cassandra_deps(settings: Settings, metrics: Metrics, store: Store, stores: Stores) -> Deps:
    """Return adapters on a connection to Cassandra, with these stores."""
    return Deps(
        settings,
        metrics,
        stores,
        connect=store.connect,
        brakes=cassandra_brakes(store),
        generations=cassandra_generations(store, settings),
    )


def memory_stores(generations: GenerationStore | None = None) -> Stores:
    """Return stores that end with this process."""
    view = FollowedGenerations((generations or MemoryGenerations()).load)
    return Stores(
        posts=MemoryPosts(),
        graph=MemoryGraph(),
        author_timelines=MemoryAuthorTimelines(),
        home_timelines=GenerationalHomeTimelines(view, MemoryHomeGeneration),
        conversations=MemoryConversations(),
        relations=MemoryRelations(),
        tags=MemoryTerms(),
        reposts=MemoryReposts(),
        words=MemoryTerms(),
        pulled=MemoryPulled(),
        activity=MemoryActivity(),
        quotes=MemoryQuotes(),
        erasures=MemoryErasures(),
        mentions=MemoryMentions(),
        audiences=MemoryAudiences(),
        inboxes=MemoryInboxes(),
    )


def cassandra_stores(
    store: Store,
    settings: Settings,
    clock: Clock = now_ms,
    generation: str | None = None,
    *,
    version: RowVersion = common_row_version,
) -> Stores:
    """Return stores on a connection to Cassandra.

    Homes are those of one generation, or where None is given of all that are listed. `version` is
    the write timestamp of timeline entries and other rows that have no cells.
    """
    retention = Retention(settings.retention_days, settings.epoch)
    view: GenerationsView = FollowedGenerations(cassandra_generations(store, settings).load)
    if generation is not None:
        view = FixedGeneration(view, generation)

    def open_homes(name: str) -> CassandraHomeGeneration:
        return CassandraHomeGeneration(store, retention, clock, version=version, generation=name)

    return Stores(
        posts=CassandraPosts(store),
        graph=CassandraGraph(store, clock),
        author_timelines=CassandraAuthorTimelines(store, version),
        home_timelines=GenerationalHomeTimelines(view, open_homes),
        conversations=CassandraConversations(store, version=version),
        relations=CassandraRelations(store),
        tags=CassandraTerms(store, settings.epoch),
        reposts=CassandraReposts(store, retention, clock, version=version),
        words=CassandraWords(store, settings.epoch),
        pulled=CassandraPulled(store, retention, clock, version=version),
        activity=CassandraActivity(store),
        quotes=CassandraQuotes(store, version),
        erasures=CassandraErasures(store),
        mentions=CassandraMentions(store, retention, clock, version=version),
        audiences=CassandraAudiences(store),
        inboxes=CassandraInboxes(store, retention, clock, version=version),
    )


def repair_stores(
    store: Store, settings: Settings, clock: Clock = now_ms, generation: str | None = None
) -> Stores:
    """Return stores on Cassandra whose writes also restore entries that were deleted from outside.

    An entry is a row of keys, which no writer of ours deletes; a deletion by somebody else would
    hide what is written again with the entries' common timestamp. With the present time it does
    not.
    """
    return cassandra_stores(store, settings, clock, generation, version=now_us)


def cassandra_generations(store: Store, settings: Settings) -> GenerationStore:
    """Return the list of generations on a connection to Cassandra."""
    return CassandraGenerations(store, settings, available_migrations())


def cassandra_brakes(store: Store) -> BrakeStore:
    """Return the brakes on a connection to Cassandra."""
    return CassandraBrakes(store)


def cassandra_resolutions(store: Store) -> DeadLetterResolutions:
    """Return what became of dead letters, on a connection to Cassandra."""
    return CassandraResolutions(store)


def memory_resolutions() -> DeadLetterResolutions:
    """Return what becomes of dead letters in this process alone."""
    return MemoryResolutions()


def create_store(settings: Settings, metrics: Metrics) -> Store:
    """Return the store that `cassandra_stores` needs; it is not connected yet."""
    return Store(settings, metrics, migrations=available_migrations())


async def connect_store(settings: Settings, metrics: Metrics) -> Store:
    """Return a connected store. Raises StoreUnavailable."""
    store = create_store(settings, metrics)
    await store.connect()
    return store


def create_inactive_users(deps: Deps) -> InactiveUsers:
    """Return the tracker of inactive users for one worker."""
    return InactiveUsers(deps.stores.activity, deps.settings.inactive_days, deps.clock)


def create_erasure_work(deps: Deps) -> ErasureWork:
    """Return what works off erasures in one worker."""
    return ErasureWork(
        deps.stores.erasures,
        Eraser(deps.stores),
        deps.metrics,
        deps.clock,
        holder=uuid4().hex,
        rate=deps.settings.erasure_rate,
    )


def create_workers(
    deps: Deps,
    outbox: Outbox,
    roles: Iterable[str] = ROLES,
    active_followers: ActiveFollowers = everyone_active,
) -> list[App]:
    """Return an app for each role with its agents; what they produce is sent by `outbox`."""
    handlers = create_handlers(
        deps.stores,
        KafkaRequestOutbox(outbox),
        deps.metrics,
        deps.retention,
        deps.clock,
        policy=FanOutPolicy(
            deps.settings.bulk_followers,
            deps.settings.pull_followers,
            deps.settings.deliver_at_once,
        ),
        active_followers=active_followers,
    )
    birth = new_birth()
    return [_create_worker(role, deps, outbox, handlers, birth) for role in roles]


def _create_worker(
    role: str, deps: Deps, outbox: Outbox, handlers: Mapping[str, Handler[Any]], birth: bytes
) -> App:
    brakes = Brakes(deps.brakes, deps.metrics, deps.clock)
    app = create_app(role, deps.settings, deps.metrics, brakes)
    app.birth = birth
    for route in (each for each in ROUTES if each.role == role):
        app.deliver(
            DeliveryLoop(
                agent=route.agent,
                topic=route.topic,
                decode=partial(decode, route.topic, epoch=deps.settings.epoch),
                handle=handlers[route.agent],
                dead_letters=OutboxDeadLetterWriter(outbox),
                acks=app.intake.acks,
                metrics=deps.metrics,
                brake=brakes.of(route.brake),
                skips=(SchemaViolation, NotReadable) if route.is_second else (),
                bounds=route.bounds,
            )
        )
    return app


def create_api(deps: Deps) -> Litestar:
    """Return the HTTP API on these stores."""
    from services.api.app import build_api  # noqa: PLC0415 - workers do without it

    return build_api(deps.stores, deps.settings, deps.metrics, deps.clock)
