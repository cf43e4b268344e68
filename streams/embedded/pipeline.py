"""Runs all of Mingle in this process: a broker over TCP, Faust apps, memory stores, the API."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

from schemas import topics
from services.settings.settings import Settings
from streams.app import App
from streams.background import run_in_background
from streams.bootstrap import create_inactive_users, create_workers
from streams.embedded.mock_broker import MockBroker
from streams.embedded.short_poll import use_short_polls
from streams.process.processes import (
    api_site,
    background_work,
    health_site,
    open_deps,
    open_outbox,
)
from streams.process.serving import Address
from streams.process.signals import run_apps
from streams.routes import ROLES

PARTITIONS: Final = 4
"""Partitions of each topic, at most: enough for order to matter, few enough to start quickly."""
READY_SECONDS: Final = 30.0
POLL_SECONDS: Final = 0.02


OVERRIDES = {
    "store": "memory",
    "kafka_security_protocol": "PLAINTEXT",
    "api_host": "127.0.0.1",
    "auth_secret": "",
    "auth_jwks": "",
    "auth_issuer": "",
    "auth_audience": "",
}
"""Without tokens, so the API listens on this machine only."""


class RunningPipeline(NamedTuple):
    """Addresses of the parts of the pipeline."""

    bootstrap: str
    api: Address
    worker: Address


def embedded_settings(settings: Settings, bootstrap: str) -> Settings:
    """Return these settings for a broker in this process."""
    return settings.model_copy(update=OVERRIDES | {"kafka_bootstrap": bootstrap})


@asynccontextmanager
async def pipeline(settings: Settings) -> AsyncIterator[RunningPipeline]:
    """Run a pipeline on the ports of the settings; yield it once it is ready for messages.

    The broker, store and authentication of the settings are not used. All state is gone at the
    end. Raises OSError when a port is taken, and RuntimeError when the workers end by themselves
    or are not ready in time.
    """
    with MockBroker() as broker:
        for topic in topics.load_topics().values():
            broker.create_topic(topic.name, min(topic.partitions, PARTITIONS))
        own = embedded_settings(settings, broker.bootstrap)
        async with open_deps(own) as deps, open_outbox(own, deps.metrics) as outbox:
            dormant = create_inactive_users(deps)
            apps = create_workers(deps, outbox, active_followers=dormant.active_followers)
            for app in apps:
                use_short_polls(app)
            async with (
                health_site(deps, [app.intake for app in apps]) as worker,
                api_site(deps) as api,
                run_in_background(asyncio.Event(), background_work(deps, ROLES, dormant)),
                _running_apps(apps),
            ):
                yield RunningPipeline(broker.bootstrap, api, worker)


@asynccontextmanager
async def _running_apps(apps: Sequence[App]) -> AsyncIterator[None]:
    stop = asyncio.Event()
    running = asyncio.create_task(run_apps(apps, stop))
    try:
        await _wait_until_ready(apps, running)
        yield
    finally:
        stop.set()
        await running


async def _wait_until_ready(apps: Sequence[App], running: asyncio.Task[int]) -> None:
    """Return when every topic exists and every partition is assigned."""
    deadline = asyncio.get_running_loop().time() + READY_SECONDS
    while problems := [each for app in apps for each in app.intake.missing()]:
        if running.done():
            raise RuntimeError("the workers ended while starting; their log says why")
        if asyncio.get_running_loop().time() > deadline:
            raise RuntimeError(f"not ready in {READY_SECONDS:g} s: {'; '.join(problems)}")
        await asyncio.sleep(POLL_SECONDS)
