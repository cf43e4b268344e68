"""Lets an aiokafka consumer leave in bounded time, whatever brokers and upstream do."""
# ruff: noqa: SLF001 - tests/streams/test_upstream.py watches it

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

LEAVE_SECONDS = 0.5
"""For leaving the group, and again for closing connections if that fails."""

log = structlog.get_logger(__name__)


async def leave(consumer: Any) -> None:
    """Leave the group and close the connections, in bounded time."""
    sync = consumer._client._sync_task
    if sync is not None and sync.done():
        consumer._client._sync_task = None  # its error would keep the connections open
    if not await _finish_in_time(consumer.stop()):
        await _finish_in_time(consumer._client.close())


async def _finish_in_time(work: Coroutine[Any, Any, None]) -> bool:
    """Run work in its own task, so that its errors do not end the thread. Return whether it did.

    aiokafka's fetcher awaits fetches that it has cancelled, and the cancellation comes back if no
    broker is connected; uvloop refuses to close a connection that has just failed.
    """
    task = asyncio.create_task(work)
    await asyncio.wait([task], timeout=LEAVE_SECONDS)
    done = not (task.cancel() or task.cancelled() or task.exception())
    if not done:
        log.warning("left the group without its answer", task=repr(task))
    return done
