"""A consumer that may receive nothing for long keeps its place in the group."""

import asyncio
from itertools import count

import pytest

from tests.streams import conftest
from tests.streams.conftest import Log, Workers, eventually, until
from tests.streams.fakes import POSTS, Handler, sample

POLL_INTERVAL_SECONDS = 0.4
IDLE_SECONDS = POLL_INTERVAL_SECONDS * 4


async def test_a_pause_of_many_poll_intervals_costs_no_partition(
    workers: Workers, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To aiokafka a consumer that asks for nothing is dead; here it is asked for nothing."""
    monkeypatch.setitem(conftest.IMPATIENT, "broker_max_poll_interval", POLL_INTERVAL_SECONDS)
    handler = Handler()
    async with workers(handler) as app:
        assert app.conf.broker_max_poll_interval == POLL_INTERVAL_SECONDS
        await log.publish(b"before")
        await until(lambda: handler.handled == ["before"])
        app.intake.pause(POSTS)
        numbers = count()
        begun = asyncio.get_running_loop().time()
        while asyncio.get_running_loop().time() - begun < IDLE_SECONDS:
            await log.publish(b"%d" % next(numbers))
            await asyncio.sleep(0.1)
        paused = next(numbers)
        app.intake.resume(POSTS)
        await until(lambda: len(handler.handled) == 1 + paused)
        assert sample(app.transport.metrics, "timeline_rebalances_total") == 1
        await eventually(log.committed, {0: 1 + paused})
