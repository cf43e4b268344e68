"""Arrivals at a set rate, whatever the receiver does."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from typing import Final, TypeVar

T = TypeVar("T")

STEP: Final = 0.005
"""Seconds too short to sleep: arrivals this close together leave together."""


def paced(
    things: Iterable[T],
    per_second: float,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[T]:
    """Yield each thing no earlier than its turn; turns missed in a pause are made up for."""
    started = now()
    for place, thing in enumerate(things):
        early = started + place / per_second - now()
        if early > STEP:
            sleep(early)
        yield thing


class Pace:
    """Paces portions in async code; without a rate everything has its turn at once."""

    def __init__(self, per_second: float | None) -> None:
        self._per_second = per_second
        self._started = time.monotonic()
        self._taken = 0

    async def portions(self, things: Sequence[T], most: int) -> AsyncIterator[Sequence[T]]:
        """Yield things when the last of a portion has its turn: a second's worth, or `most`."""
        if self._per_second is not None:
            most = min(most, max(1, int(self._per_second)))
        for start in range(0, len(things), most):
            portion = things[start : start + most]
            await self._take(len(portion))
            yield portion

    async def _take(self, turns: int) -> None:
        if self._per_second is None:
            return
        self._taken += turns
        early = self._started + (self._taken - 1) / self._per_second - time.monotonic()
        if early > STEP:
            await asyncio.sleep(early)
