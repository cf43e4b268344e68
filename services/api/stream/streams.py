"""The open streams of a process and their limits."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final, Literal, TypeAlias

from schemas.ids import UserId
from services.api.problems import AtCapacity, TooManyRequests
from services.api.stream.probe import NewEntryProbe
from services.metrics.metrics import Metrics
from services.settings.settings import Settings

JITTER: Final = 0.5
"""Largest share by which a time is cut at random."""
MAX_CONCURRENT_POLLS: Final = 32
"""Each poll has at most three store requests in flight, so a post that wakes a thousand streams
leaves part of the process's store requests to others."""
RETRY_SECONDS: Final = 10
"""Wait of a viewer with too many streams: one of theirs must end first."""

StreamEnd: TypeAlias = Literal["left", "slow", "token", "lifetime", "stopping"]
"""Why a stream ends: its client disconnected, accepted nothing for too long or has no valid token;
it reached its lifetime, so that streams spread over new processes; or the process stops."""


class Signals:
    """Wakes one stream from outside: to poll, or to end."""

    def __init__(self) -> None:
        self.end: StreamEnd | None = None
        self.poll_due = False
        self._changed = asyncio.Event()

    def wake(self) -> None:
        self.poll_due = True
        self._changed.set()

    def notify(self) -> None:
        """Wake the stream for something else that it waits for."""
        self._changed.set()

    def finish(self, why: StreamEnd) -> None:
        """End the stream, unless it has ended for an earlier reason."""
        self.end = self.end or why
        self._changed.set()

    async def wait(self, seconds: float) -> None:
        """Wait until the stream is woken, at most so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        self._changed.clear()


class Streams:
    """The open streams of this process; `random` returns a number from 0 up to 1."""

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
        self._of_viewer: Counter[UserId] = Counter()
        self._stopping = False

    @contextmanager
    def open(self, viewer: UserId) -> Iterator[Signals]:
        """Count a stream as open until the context ends. Raises AtCapacity, TooManyRequests."""
        if self._stopping or len(self._open) >= self.settings.stream_limit:
            raise AtCapacity("this process has as many open streams as it allows; try again later")
        if self._of_viewer[viewer] >= self.settings.stream_limit_per_viewer:
            raise TooManyRequests(
                "the viewer has as many open streams as they may have", RETRY_SECONDS
            )
        signals = Signals()
        self._open.add(signals)
        self._of_viewer[viewer] += 1
        try:
            with (
                self.metrics.api_streams_open.track_inprogress(),
                self._probe.subscription(viewer, signals.wake),
            ):
                yield signals
        finally:
            self._open.discard(signals)
            self._of_viewer[viewer] -= 1
            if not self._of_viewer[viewer]:
                del self._of_viewer[viewer]

    def jitter(self, most: float) -> float:
        """Return a random time up to `most`, so that streams that began together drift apart."""
        return most * (1 - JITTER * self._random())

    def stop(self) -> None:
        """End all streams, and let none begin."""
        self._stopping = True
        for each in self._open:
            each.finish("stopping")
