"""The worker and the API as processes: what they open, run and close."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress

import structlog

from services.activity.inactive_users import SCAN_SECONDS, InactiveUsers
from services.errors import BrokerUnavailable
from services.metrics.metrics import Metrics
from services.settings.brokers import Brokers
from services.settings.settings import Settings
from services.storage.session import Store
from services.stores import Stores
from streams.acknowledgement import GenerationAcknowledger
from streams.app import member_name
from streams.background import Work, repeat, run_in_background
from streams.bootstrap import (
    Deps,
    cassandra_deps,
    cassandra_stores,
    create_api,
    create_erasure_work,
    create_inactive_users,
    create_metrics,
    create_store,
    create_workers,
    memory_deps,
)
from streams.kafka.contact import expect_access
from streams.kafka.producer import KafkaOutbox
from streams.process.health import Readiness, Watched, create_health
from streams.process.room import Room
from streams.process.serving import Address, allow_files, serve_app
from streams.process.signals import FAILED, STOPPED, run_apps
from streams.process.store_contact import StoreContact
from streams.routes import ERASING_ROLE, WRITE_HOMES

PROBES = 100
"""Connections to a worker's health checks and metrics, at most: a few are ever in use."""
ACCESS_SECONDS = 5.0
"""For a broker to accept or refuse a worker; one that does not answer may do so later."""

log = structlog.get_logger(__name__)


async def run_worker(settings: Settings, roles: Sequence[str], stop: asyncio.Event) -> int:
    """Run a worker with these roles until `stop`, and return its exit code.

    It joins no group before the store has answered once, so that a worker which cannot reach the
    store takes no partitions from those that can. Raises OSError when the port of its health site
    is taken, AccessRefused where the brokers or the store do not accept it.
    """
    async with open_deps(settings) as deps, open_outbox(settings, deps.metrics) as outbox:
        dormant = create_inactive_users(deps)
        apps = create_workers(deps, outbox, roles, dormant.active_followers)
        contact = StoreContact(deps.connect)
        watched: list[Watched] = [contact]
        deps.metrics.announce(roles)
        async with health_site(deps, watched) as address:
            log.info("worker started", roles=list(roles), health=str(address))
            if not await _finish_before(stop, _wait_for_access(settings.brokers, contact)):
                return STOPPED
            watched.extend([*(app.intake for app in apps), outbox])
            _freeze()
            work = [*background_work(deps, roles, dormant), Readiness(watched).watch()]
            async with run_in_background(stop, work) as running:
                code = await run_apps(apps, stop)
            return FAILED if running.failed else code


async def run_api(settings: Settings, stop: asyncio.Event) -> int:
    """Run the HTTP API until `stop`, and return its exit code.

    Until the store has answered once, requests are answered as in an outage. Raises Exposed,
    OSError when its port is taken, AccessRefused where the store does not accept it.
    """
    async with open_deps(settings) as deps, api_site(deps) as address:
        contact = StoreContact(deps.connect)
        async with run_in_background(
            stop, [contact.make(), Readiness([contact]).watch()]
        ) as running:
            deps.metrics.announce(["api"])
            log.info("API started", address=str(address))
            _freeze()
            await stop.wait()
    return FAILED if running.failed else STOPPED


def background_work(deps: Deps, roles: Sequence[str], dormant: InactiveUsers) -> list[Work]:
    """Return the work beside a worker's apps."""
    work: list[Work] = [_create_acknowledger(deps, roles).watch()]
    if ERASING_ROLE in roles:
        work.append(create_erasure_work(deps).watch())
    if deps.settings.inactive_days and set(roles) & set(WRITE_HOMES):
        failed = "could not read who is inactive: nobody is left out"
        work.append(repeat(dormant.scan, SCAN_SECONDS, failed))
    return work


def _create_acknowledger(deps: Deps, roles: Sequence[str]) -> GenerationAcknowledger:
    """Return what tells others which list of generations a worker's roles go by."""
    members = [member_name(deps.settings, role) for role in roles if role in WRITE_HOMES]
    return GenerationAcknowledger(deps.stores.home_timelines, deps.generations, members, deps.clock)


@asynccontextmanager
async def open_deps(
    settings: Settings, adapters: Callable[[Store, Settings], Stores] = cassandra_stores
) -> AsyncIterator[Deps]:
    """Open the adapters of the settings; the stores answer once `Deps.connect` has returned."""
    metrics = create_metrics()
    if settings.store == "memory":
        yield memory_deps(settings, metrics)
        return
    store = create_store(settings, metrics)
    try:
        yield cassandra_deps(settings, metrics, store, adapters(store, settings))
    finally:
        await store.close()


@asynccontextmanager
async def open_outbox(
    settings: Settings, metrics: Metrics | None = None
) -> AsyncIterator[KafkaOutbox]:
    """Open an outbox, which counts refusals in the metrics where some are given."""
    outbox = KafkaOutbox(settings.brokers, metrics=metrics)
    try:
        yield outbox
    finally:
        await outbox.close()


@asynccontextmanager
async def api_site(deps: Deps) -> AsyncIterator[Address]:
    """Serve the HTTP API. Raises OSError when the port is taken, UnusableSettings."""
    settings = deps.settings
    most = allow_files(settings.api_connections)
    if most < settings.api_connections:
        log.warning(
            "fewer connections than MINGLE_API_CONNECTIONS, by the limit of files", most=most
        )
    room = Room(deps.metrics, most, settings.api_connections_per_address)
    api, host, port = create_api(deps), settings.api_host, settings.api_port
    async with serve_app(api, host, port, room, settings.api_proxies) as address:
        yield address


@asynccontextmanager
async def health_site(deps: Deps, watched: Sequence[Watched]) -> AsyncIterator[Address]:
    """Serve health of what is watched, and metrics. Raises OSError when the port is taken."""
    site, room = create_health(watched, deps.metrics.registry), Room(deps.metrics, PROBES)
    host, port = deps.settings.metrics_host, deps.settings.metrics_port
    async with serve_app(site, host, port, room) as address:
        yield address


def _freeze() -> None:
    """Exempt what the process is made of from garbage collection, as it lives as long.

    Otherwise each full collection stops everything for the time of some pages.
    """
    gc.collect()
    gc.freeze()


async def _wait_for_access(brokers: Brokers, store: StoreContact) -> None:
    """Wait for the store. Raises AccessRefused where it or the brokers do not accept this process.

    The worker itself waits for brokers that are unavailable, and reports it.
    """
    with suppress(BrokerUnavailable):
        await asyncio.to_thread(expect_access, brokers, ACCESS_SECONDS)
    await store.make()


async def _finish_before(stop: asyncio.Event, work: Work) -> bool:
    """Return whether the work was done before `stop`, which cancels it."""
    working = asyncio.create_task(work)
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([working, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if working.done():
        await working  # for its error
        return True
    working.cancel()
    await asyncio.wait([working])
    return False
