"""What a worker's log says of it: who it is, what it was assigned, and when it is ready."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from streams.embedded.mock_broker import MockBroker
from streams.process.health import Readiness
from streams.records import Partition, numbers_by_topic
from tests.api.logged import logged
from tests.streams.conftest import PATIENCE

ROLES = "ingest", "search"
TOPICS = "posts", "replies", "follows", "relations"
Line = dict[str, Any]


@asynccontextmanager
async def worker(broker: MockBroker) -> AsyncIterator[asyncio.StreamReader]:
    """Run `mingle worker` without a store, and give its standard error."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "mingle", "worker"),
        *(f"--role={role}" for role in ROLES),
        env=os.environ
        | {
            "MINGLE_KAFKA_BOOTSTRAP": broker.bootstrap,
            "MINGLE_STORE": "memory",
            "MINGLE_WORKER_NAME": "pod-7",
            "MINGLE_METRICS_PORT": "0",
        },
        stdout=DEVNULL,
        stderr=PIPE,
    )
    assert process.stderr is not None
    try:
        yield process.stderr
    finally:
        process.kill()
        await process.wait()


async def lines_until(log: asyncio.StreamReader, event: str) -> list[Line]:
    lines: list[Line] = []
    async with asyncio.timeout(PATIENCE):
        while not lines or lines[-1]["event"] != event:
            lines.append(json.loads(await log.readline()))
    return lines


@pytest.fixture
def topics(broker: MockBroker) -> None:
    for each in TOPICS[1:]:  # posts exists
        broker.create_topic(each, 4)


@pytest.mark.usefixtures("topics")
async def test_a_worker_says_who_it_is_and_what_it_has(broker: MockBroker) -> None:
    """Every line names the worker and its role; one says that it is ready, after its shares."""
    async with worker(broker) as errors:
        lines = await lines_until(errors, "ready")
    assert {each["worker"] for each in lines} == {"pod-7"}
    started = next(each for each in lines if each["event"] == "worker started")
    assert (started["role"], started["roles"]) == ("ingest,search", list(ROLES))
    assigned = {
        each["role"]: each["partitions"] for each in lines if each["event"] == "partitions assigned"
    }
    assert set(assigned) == set(ROLES)
    assert assigned["ingest"]["follows"] == "0-3"
    threads = [each for each in lines if each["logger"] == "streams.kafka.consumer_thread"]
    assert {each["role"] for each in threads} == set(ROLES)
    assert assigned["ingest"]["posts"] == assigned["search"]["posts"] == "0-1"


async def test_readiness_is_news_once() -> None:
    """A line when everything is there, and one when something is missing again."""
    problems: list[str] = ["no partitions"]

    class Part:
        def stuck(self) -> list[str]:
            return []

        def missing(self) -> list[str]:
            return problems

    readiness = Readiness([Part()])
    with logged() as lines:
        for each in (["no partitions"], [], [], ["a brake"], ["a brake, for 2 s"], []):
            problems[:] = each
            await readiness.look()
        said = [(each["event"], each.get("problems")) for each in lines()]
    assert said == [("ready", None), ("not ready", ["a brake"]), ("ready", None)]


def test_partitions_are_short() -> None:
    """Runs of numbers stand as such: a topic has hundreds."""
    places = [Partition("posts", each) for each in (11, 10, 3, 0, 1, 2, 5)]
    assert numbers_by_topic([*places, Partition("replies", 0)]) == {
        "posts": "0-3,5,10-11",
        "replies": "0",
    }
    assert numbers_by_topic([]) == {}
