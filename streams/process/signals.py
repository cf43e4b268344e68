"""Running apps in this process until a signal, or until one of them cannot go on."""

import asyncio
import os
import signal
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import structlog
import uvloop
from structlog.contextvars import bind_contextvars

from services.errors import MingleError
from streams.app import App

STOP_SECONDS = 10.0
"""From a signal to the end of the process, even if something hangs."""
APPS_STOP_SECONDS = 9.0
"""The apps' share of that: three to finish, three to commit, one to leave, two to spare."""
EXIT_SECONDS = 2.0
"""From the end of the work to the end of the process, even if something hangs."""
STOPPED: Final = 0
FAILED: Final = 1

log = structlog.get_logger(__name__)


def run_until_signal(main: Callable[[asyncio.Event], Awaitable[int]]) -> int:
    """Run `main` with an event that SIGTERM and SIGINT set, and return its exit code.

    The process ends ten seconds after the signal at the latest, with 1 if `main` has not returned
    by then: what was not committed is received again by whichever worker takes over.
    """
    # The policy, not only a loop: Faust makes another loop for its consumer's thread.
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    return asyncio.run(_with_signals(main))


async def _with_signals(main: Callable[[asyncio.Event], Awaitable[int]]) -> int:
    stop = asyncio.Event()
    code = FAILED

    def on_signal() -> None:
        if not stop.is_set():
            stop.set()
            _exit_in(STOP_SECONDS, lambda: code)

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, on_signal)
    code = await main(stop)
    _exit_in(EXIT_SECONDS, lambda: code)
    return code


def _exit_in(seconds: float, code: Callable[[], int]) -> None:
    """End the process from a thread of its own, as the loop itself may hang."""
    timer = threading.Timer(seconds, lambda: os._exit(code()))
    timer.daemon = True
    timer.start()


async def run_apps(apps: Sequence[App], stop: asyncio.Event) -> int:
    """Run the apps until `stop`, then let them finish what is in flight and commit.

    Returns 0 after `stop`, 1 when an app could not go on or did not end. Waits for brokers that do
    not answer.
    """
    lives = [asyncio.create_task(_live(app)) for app in apps]
    stopping = asyncio.create_task(_wait(stop))
    await asyncio.wait([*lives, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    stops = [asyncio.create_task(app.stop()) for app in apps]
    _, late = await asyncio.wait([*lives, *stops], timeout=APPS_STOP_SECONDS)
    failures = [_describe(app.crash_reason) for app in apps if app.crashed]
    failures += [_describe(task.exception()) for task in lives if task.done() and task.exception()]
    failures += ["an app did not stop"] * bool(late)
    for failure in dict.fromkeys(failures):
        log.error("app failed", error=failure)
    return FAILED if failures else STOPPED


def _describe(error: BaseException | None) -> str:
    return str(error) if isinstance(error, MingleError) else repr(error)


async def _live(app: App) -> None:
    """Return when the app has crashed or was stopped. Raises when it could not start.

    What is logged meanwhile says for which role.
    """
    bind_contextvars(role=app.role)
    await app.start()
    await app.wait_until_stopped()


async def _wait(stop: asyncio.Event) -> None:
    await stop.wait()
