"""Arrivals at a set rate, whatever the receiver does."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeVar

T = TypeVar("T")

STEP: Final = 0.005
"""Seconds that are not worth a sleep: arrivals this close together leave together."""


def paced(
    things: Iterable[T],
    per_second: float,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[T]:
    """Each thing no earlier than its turn; after a pause the missed turns are made up for."""
    started = now()
    for place, thing in enumerate(things):
        early = started + place / per_second - now()
        if early > STEP:
            sleep(early)
        yield thing
