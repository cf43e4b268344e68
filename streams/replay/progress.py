"""How far a replay is, and whether live traffic waits for it. Pure: time is passed in."""

from collections import deque
from collections.abc import Mapping
from typing import Final, NamedTuple

from streams.records import Partition
from streams.replay.plan import Source

MAX_LOOKS: Final = 600
"""Remembered ends of the live log: ten minutes, one a second. A lag beyond is as large as that."""


class Progress(NamedTuple):
    """Events done of those that the plan has; what is committed counts."""

    done: int
    total: int

    @property
    def ratio(self) -> float:
        return self.done / self.total if self.total else 1.0

    @property
    def is_over(self) -> bool:
        return self.done >= self.total

    def left(self, since: "Progress", seconds: float) -> float | None:
        """Seconds that are left at the pace since then; None while nothing is done."""
        done = self.done - since.done
        return (self.total - self.done) * seconds / done if done > 0 else None


def measure_progress(sources: tuple[Source, ...], committed: Mapping[Partition, int]) -> Progress:
    """By the offsets that the replay's group has committed."""
    done = sum(
        min(max(committed.get(each.place, each.first), each.first), each.end) - each.first
        for each in sources
    )
    return Progress(done, sum(each.end - each.first for each in sources))


class LiveLag:
    """How many seconds the live groups are behind, by where their topics ended at which time."""

    def __init__(self) -> None:
        self._ends: deque[tuple[float, Mapping[Partition, int]]] = deque(maxlen=MAX_LOOKS)

    def seconds(
        self,
        now: float,
        ends: Mapping[Partition, int],
        committed: Mapping[Partition, int],
    ) -> float:
        """What was there so long ago is handled; what came later is not."""
        self._ends.append((now, dict(ends)))
        reached = None
        for at, then in self._ends:
            if any(committed.get(place, 0) < end for place, end in then.items()):
                break
            reached = at
        return now - (self._ends[0][0] if reached is None else reached)
