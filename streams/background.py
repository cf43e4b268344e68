"""Work that goes on beside a process's main task."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from random import Random as SystemRandom
from typing import Any

import structlog

from services.errors import MingleError, Transient
from streams.clock import SystemClock, WaitingClock
from streams.retry import Random

Work = Coroutine[Any, Any, None]
"""Work that runs until it is cancelled, or returns earlier."""

log = structlog.get_logger(__name__)


class Background:
    """Runs work beside a process's main task, each in a task. An error stops the process."""

    def __init__(self, stop: asyncio.Event) -> None:
        self.failed = False
        self._stop = stop
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Work) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def close(self) -> None:
        """Cancel what still runs."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            if isinstance(error, MingleError):  # its text says enough
                log.error("background work failed", error=str(error))
            else:
                log.error("background work failed", exc_info=error)
            self.failed = True
            self._stop.set()


async def repeat(
    look: Callable[[], Awaitable[object]],
    seconds: float,
    failed: str,
    clock: WaitingClock | None = None,
    random: Random | None = None,
) -> None:
    """Call `look` without end, at most `seconds` apart. Logs `failed` once for each outage."""
    clock, random = clock or SystemClock(), random or SystemRandom()
    is_away = False
    while True:
        try:
            await look()
        except Transient as error:
            log_outage = log.debug if is_away else log.warning
            log_outage(failed, error=repr(error))
            is_away = True
        else:
            is_away = False
        await clock.wait(asyncio.Event(), random.uniform(seconds / 2, seconds))


@asynccontextmanager
async def run_in_background(stop: asyncio.Event, work: Iterable[Work]) -> AsyncIterator[Background]:
    """Run these until the context ends."""
    running = Background(stop)
    for each in work:
        running.start(each)
    try:
        yield running
    finally:
        await running.close()
