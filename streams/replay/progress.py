"""Measures how far a replay is, and how far live workers are behind. Pure: time is passed in."""

from collections import deque
from collections.abc import Mapping
from typing import Final, NamedTuple

from streams.records import Partition
from streams.replay.plan import Source

MAX_LOOKS: Final = 600
"""Remembered ends of the log: ten minutes, one per second. A longer lag counts as that."""


class Progress(NamedTuple):
    """Offsets done, by what is committed, and all offsets of the plan."""

    done: int
    total: int

    @property
    def ratio(self) -> float:
        return self.done / self.total if self.total else 1.0

    @property
    def is_over(self) -> bool:
        return self.done >= self.total

    def left(self, since: "Progress", seconds: float) -> float | None:
        """Return the seconds left at the pace since then; None while nothing was done."""
        done = self.done - since.done
        return (self.total - self.done) * seconds / done if done > 0 else None


def measure_progress(sources: tuple[Source, ...], committed: Mapping[Partition, int]) -> Progress:
    """Return the progress for the offsets that the replay's group has committed."""
    done = sum(
        min(max(committed.get(each.place, each.first), each.first), each.end) - each.first
        for each in sources
    )
    return Progress(done, sum(each.end - each.first for each in sources))


class LiveLag:
    """Measures how many seconds live groups are behind, from where their topics ended when."""

    def __init__(self) -> None:
        self._ends: deque[tuple[float, Mapping[Partition, int]]] = deque(maxlen=MAX_LOOKS)

    def seconds(
        self,
        now: float,
        ends: Mapping[Partition, int],
        committed: Mapping[Partition, int],
    ) -> float:
        """Return the age of the newest end that the groups have reached."""
        self._ends.append((now, dict(ends)))
        reached = None
        for at, then in self._ends:
            if any(committed.get(place, 0) < end for place, end in then.items()):
                break
            reached = at
        return now - (self._ends[0][0] if reached is None else reached)
