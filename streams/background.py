"""Work that goes on beside a process's main task."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import Any

import structlog

from services.errors import MingleError

Work = Coroutine[Any, Any, None]
"""Runs until it is cancelled, or returns earlier."""

log = structlog.get_logger(__name__)


class Background:
    """Works of a process, each in a task. An error in one stops the process."""

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
            if isinstance(error, MingleError):  # says what it is by itself
                log.error("work in the background failed", error=str(error))
            else:
                log.error("work in the background failed", exc_info=error)
            self.failed = True
            self._stop.set()


@asynccontextmanager
async def background(stop: asyncio.Event, works: Iterable[Work]) -> AsyncIterator[Background]:
    """These run until the context ends."""
    running = Background(stop)
    for work in works:
        running.start(work)
    try:
        yield running
    finally:
        await running.close()
