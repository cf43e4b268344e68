"""A worker's process: what it ends with, and when.

Ten seconds after a signal a timer of its own ends it with 1: with 0 it has ended before that.
"""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from streams.embedded.mock_broker import Api, MockBroker
from tests.streams.conftest import PATIENCE, Log

GROUP_AUTHORIZATION_FAILED = 30


@pytest.fixture(autouse=True)
def pages(broker: MockBroker) -> None:
    broker.create_topic("pages", 1)


@asynccontextmanager
async def worker(broker: MockBroker, *arguments: str) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).with_name("worker_process.py")),
        broker.bootstrap,
        *arguments,
        stdout=PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def in_time(what: Awaitable[object]) -> object:
    return await asyncio.wait_for(what, PATIENCE)


async def says(process: Process, line: bytes) -> None:
    assert process.stdout is not None
    while await asyncio.wait_for(process.stdout.readline(), PATIENCE) != line + b"\n":
        assert not process.stdout.at_eof()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_with_0(
    broker: MockBroker, log: Log, number: signal.Signals
) -> None:
    """What was handled is committed, at once and not with the next interval."""
    await log.publish(b"0")
    async with worker(broker) as process:
        await says(process, b"b'0'")
        process.send_signal(number)
        assert await in_time(process.wait()) == 0
    assert await log.committed() == {0: 1}


async def test_a_handler_that_hangs_does_not_hold_it_up(broker: MockBroker, log: Log) -> None:
    """What it holds is not committed."""
    await log.publish(b"0")
    async with worker(broker, "hang") as process:
        await says(process, b"b'0'")
        process.terminate()
        assert await in_time(process.wait()) == 0
    assert (await log.committed()).get(0, 0) == 0


async def test_a_broker_that_is_away_does_not_hold_it_up(broker: MockBroker) -> None:
    """Neither is it a failure."""
    broker.broker_down()
    async with worker(broker) as process:
        await says(process, b"listening")
        process.terminate()
        assert await in_time(process.wait()) == 0


async def test_a_coordinator_that_cannot_go_on_ends_it_with_1(broker: MockBroker) -> None:
    """So that something outside starts it again, or pages somebody."""
    broker.fail_next(Api.SYNC_GROUP, *[GROUP_AUTHORIZATION_FAILED] * 6)
    async with worker(broker) as process:
        assert await in_time(process.wait()) == 1
