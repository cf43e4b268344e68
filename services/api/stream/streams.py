"""The open streams of a process: how many there may be, how many look at once, how all end."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final, Literal, TypeAlias

from schemas.ids import UserId
from services.api.problems import AtCapacity
from services.api.stream.probe import NewEntryProbe
from services.metrics.metrics import Metrics
from services.settings.settings import Settings

JITTER: Final = 0.5
"""Largest share by which a time is cut at random."""
MAX_CONCURRENT_POLLS: Final = 32
"""Of which each has three store requests under way at most: a post that wakes a thousand streams
leaves other requests a part of those that a process may have."""

StreamEnd: TypeAlias = Literal["left", "slow", "token", "lifetime", "stopping"]
"""Why a stream ends: its reader went away, took nothing for too long or may no longer read; it is
old enough, so that streams spread over new processes; or this process ends."""


class Signals:
    """What reaches a stream from outside: that a look is worth it, or that it is to end."""

    def __init__(self) -> None:
        self.end: StreamEnd | None = None
        self.poll_due = False
        """Whether a look is worth it."""
        self._changed = asyncio.Event()

    def wake(self) -> None:
        self.poll_due = True
        self._changed.set()

    def notify(self) -> None:
        """What the stream itself waits for has happened."""
        self._changed.set()

    def finish(self, why: StreamEnd) -> None:
        """The first reason stays."""
        self.end = self.end or why
        self._changed.set()

    async def wait(self, seconds: float) -> None:
        """Waits for any of it, at most so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        self._changed.clear()


class Streams:
    """Those of this process; `random` is from 0 up to 1."""

    def __init__(
        self,
        settings: Settings,
        probe: NewEntryProbe,
        metrics: Metrics,
        random: Callable[[], float],
    ) -> None:
        self.settings = settings
        self.poll_slots = asyncio.Semaphore(MAX_CONCURRENT_POLLS)
        self.metrics = metrics
        self._probe = probe
        self._random = random
        self._open: set[Signals] = set()
        self._stopping = False

    @contextmanager
    def open(self, viewer: UserId) -> Iterator[Signals]:
        """A place for one more stream. Raises Full."""
        if self._stopping or len(self._open) >= self.settings.stream_limit:
            raise AtCapacity("as many streams are open as this process takes; others may take more")
        signals = Signals()
        self._open.add(signals)
        try:
            with (
                self.metrics.api_streams_open.track_inprogress(),
                self._probe.subscription(viewer, signals.wake),
            ):
                yield signals
        finally:
            self._open.discard(signals)

    def jitter(self, most: float) -> float:
        """A time up to `most`, so that streams which began at once soon act apart."""
        return most * (1 - JITTER * self._random())

    def stop(self) -> None:
        """All end at once, and none begins."""
        self._stopping = True
        for each in self._open:
            each.finish("stopping")
