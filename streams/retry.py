"""Delays between attempts."""

from typing import NamedTuple, Protocol


class Random(Protocol):
    """`random.Random` is one."""

    def uniform(self, a: float, b: float) -> float: ...


class RetryPolicy(NamedTuple):
    """Exponential backoff without an end, as what may succeed later is never given up.

    When a store returns after hours, the partitions of all workers must not reach it at the same
    moment, hence the jitter; nor may a partition notice it much later, hence the longest delay.
    """

    first: float = 0.1
    longest: float = 15.0

    def delay(self, attempt: int, random: Random) -> float:
        """Return the seconds to wait after the `attempt`-th failure in a row, counted from 1."""
        doublings = min(attempt - 1, 30)  # beyond that any first delay exceeds the longest
        ceiling = min(self.longest, self.first * 2.0**doublings)
        return random.uniform(ceiling / 2, ceiling)
