"""The demo's pipeline, for what looks at its story in a browser."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from services.clock import now_ms
from services.settings.settings import Settings
from streams.embedded.demo_client import DemoClient
from streams.embedded.pipeline import embedded_settings, pipeline
from streams.embedded.story import Story, story
from streams.process.processes import open_outbox


@asynccontextmanager
async def telling() -> AsyncIterator[tuple[str, DemoClient, Story]]:
    """Run the pipeline; the story is about to begin."""
    ports = {"api_port": 0, "metrics_port": 0}
    # The posts are dated hours back: no probe for fresh ones finds them.
    settings = Settings.model_validate(ports | {"retention_days": 0, "stream_look_seconds": 0.2})
    async with (
        pipeline(settings) as running,
        open_outbox(embedded_settings(settings, running.bootstrap)) as outbox,
        httpx.AsyncClient(timeout=10) as client,
    ):
        teller = DemoClient(running, outbox, client)
        yield str(running.api), teller, story(now_ms(), settings.epoch)
