"""The programs: what a worker and an API open, run and close again."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

import structlog

from services.settings import Settings
from streams.app import App
from streams.bootstrap import (
    Deps,
    cassandra_stores,
    connect_store,
    create_api,
    create_metrics,
    create_workers,
    memory_stores,
)
from streams.health import create_health, serve
from streams.kafka.producer import KafkaOutbox
from streams.serving import Address, serving
from streams.worker import STOPPED, run_apps

log = structlog.get_logger(__name__)


async def run_worker(settings: Settings, roles: Iterable[str], stop: asyncio.Event) -> int:
    """A worker with these roles until `stop`; its exit code.

    Raises StoreUnavailable, or OSError when the port of its health site is taken.
    """
    async with open_deps(settings) as deps, open_outbox(settings) as outbox:
        apps = create_workers(deps, outbox, roles)
        async with health_site(deps, apps) as address:
            log.info("worker started", roles=list(roles), health=str(address))
            return await run_apps(apps, stop)


async def run_api(settings: Settings, stop: asyncio.Event) -> int:
    """The HTTP API until `stop`; its exit code.

    Raises StoreUnavailable, or OSError when its port is taken.
    """
    async with (
        open_deps(settings) as deps,
        serving(create_api(deps), settings.api_host, settings.api_port) as address,
    ):
        log.info("API started", address=str(address))
        await stop.wait()
    return STOPPED


@asynccontextmanager
async def open_deps(settings: Settings) -> AsyncIterator[Deps]:
    """What the settings ask for, connected. Raises StoreUnavailable."""
    metrics = create_metrics()
    if settings.store == "memory":
        yield Deps(settings, metrics, memory_stores())
        return
    store = await connect_store(settings, metrics)
    try:
        yield Deps(settings, metrics, cassandra_stores(store, settings))
    finally:
        await store.close()


@asynccontextmanager
async def open_outbox(settings: Settings) -> AsyncIterator[KafkaOutbox]:
    outbox = KafkaOutbox(settings.kafka_bootstrap)
    try:
        yield outbox
    finally:
        await outbox.close()


@asynccontextmanager
async def health_site(deps: Deps, apps: Sequence[App]) -> AsyncIterator[Address]:
    """Health and metrics of these apps over HTTP. Raises OSError when the port is taken."""
    site = create_health([app.intake for app in apps], deps.metrics.registry)
    runner = await serve(site, deps.settings.metrics_host, deps.settings.metrics_port)
    try:
        yield Address(*runner.addresses[0][:2])
    finally:
        await runner.cleanup()
