"""When to try again."""

from typing import NamedTuple, Protocol


class Random(Protocol):
    """`random.Random` is one."""

    def uniform(self, a: float, b: float) -> float: ...


class RetryPolicy(NamedTuple):
    """Exponential backoff without an end: what may succeed later is never given up.

    A store that is away for hours must not be met by every partition of every worker at the
    same moment when it returns, hence the jitter; nor must a partition notice it much later,
    hence the longest delay.
    """

    first: float = 0.1
    longest: float = 15.0

    def delay(self, attempt: int, random: Random) -> float:
        """Seconds to wait after the `attempt`-th failure in a row, counted from 1."""
        doublings = min(attempt - 1, 30)  # beyond that any first delay exceeds the longest
        ceiling = min(self.longest, self.first * 2.0**doublings)
        return random.uniform(ceiling / 2, ceiling)
