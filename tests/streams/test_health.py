"""What a worker answers when it is asked how it is."""

from collections.abc import AsyncIterator

import httpx
import pytest
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry

from services.metrics.metrics import Metrics
from streams.delivery.intake import Intake
from streams.process.health import create_health
from streams.process.room import Room
from streams.process.serving import serve_app
from tests.streams.test_intake import FakeLoop


@pytest.fixture
def intake() -> Intake:
    return Intake("group")


@pytest.fixture
async def site(intake: Intake) -> AsyncIterator[httpx.AsyncClient]:
    metrics = Metrics(CollectorRegistry())
    metrics.rebalances.inc()
    health = create_health([intake], metrics.registry)
    async with (
        serve_app(health, "127.0.0.1", 0, Room(metrics)) as address,
        httpx.AsyncClient(base_url=str(address)) as client,
    ):
        yield client


async def test_live_is_who_makes_progress(site: httpx.AsyncClient, intake: Intake) -> None:
    """Not who answers."""
    assert (await site.get("/livez")).status_code == 200
    loop = FakeLoop()
    loop.stuck = True
    intake.add(loop)
    answer = await site.get("/livez")
    assert (answer.status_code, answer.json()) == (
        503,
        {"problems": ["agent posts makes no progress"]},
    )


async def test_ready_is_who_has_a_share(site: httpx.AsyncClient, intake: Intake) -> None:
    """Of topics that exist."""
    answer = await site.get("/readyz")
    assert (answer.status_code, answer.json()) == (
        503,
        {"problems": ["group has no partitions assigned yet"]},
    )
    intake.assign([])
    assert (await site.get("/readyz")).json() == {"problems": []}


async def test_metrics_are_those_of_the_registry(site: httpx.AsyncClient) -> None:
    """In Prometheus' text format."""
    answer = await site.get("/metrics")
    assert answer.headers["content-type"] == CONTENT_TYPE_LATEST
    assert "timeline_rebalances_total 1.0" in answer.text
