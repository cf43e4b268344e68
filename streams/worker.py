"""Runs apps in this process until it is told to stop or one of them cannot go on."""

import asyncio
import os
import signal
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import structlog
import uvloop

from streams.app import App

STOP_SECONDS = 10.0
"""From a signal to the end of the process, whatever hangs."""
STOPPED: Final = 0
FAILED: Final = 1

log = structlog.get_logger(__name__)


def run(main: Callable[[asyncio.Event], Awaitable[int]]) -> int:
    """The exit code of `main`, which is given an event that SIGTERM and SIGINT set.

    Ends the process with 1 when `main` has not returned ten seconds after the signal: what was
    not committed until then is received again by whoever takes over.
    """
    # The policy, not only a loop: Faust makes another loop for its consumer's thread.
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    return asyncio.run(_with_signals(main))


async def _with_signals(main: Callable[[asyncio.Event], Awaitable[int]]) -> int:
    stop = asyncio.Event()
    last_resort = threading.Timer(STOP_SECONDS, os._exit, (FAILED,))
    last_resort.daemon = True

    def on_signal() -> None:
        if not stop.is_set():
            last_resort.start()
            stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, on_signal)
    try:
        return await main(stop)
    finally:
        last_resort.cancel()


async def run_apps(apps: Sequence[App], stop: asyncio.Event) -> int:
    """Start the apps, wait, stop them: finishing what is in flight, committing what is done.

    0 after `stop`, 1 when an app could not go on. Brokers that do not answer are waited for.
    """
    starts = [asyncio.create_task(app.start()) for app in apps]
    ends = [asyncio.create_task(app.wait_until_stopped()) for app in apps]
    ends.append(asyncio.create_task(_wait(stop)))
    try:
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await asyncio.gather(*(app.stop() for app in apps))
        for task in ends:
            task.cancel()
        await asyncio.gather(*starts, *ends, return_exceptions=True)
    failures = [app.crash_reason for app in apps if app.crashed]
    for failure in failures:
        log.error("app failed", error=repr(failure))
    return FAILED if failures else STOPPED


async def _wait(stop: asyncio.Event) -> None:
    await stop.wait()
