"""Limits how many events are read. Pure: time is passed in."""

BURST_SECONDS = 0.5
"""The most that is caught up after a pause: no flood follows it."""


class RateLimiter:
    """Allows a number of events per second, or all of them."""

    def __init__(self, per_second: float | None, now: float) -> None:
        self._per_second = per_second
        self._at = now
        self._saved = 0.0

    def allows(self, now: float, most: int) -> int:
        """Return how many of `most` are allowed now; fractions are kept for the next call."""
        if self._per_second is None:
            return most
        room = max(1.0, self._per_second * BURST_SECONDS)
        self._saved = min(room, self._saved + (now - self._at) * self._per_second)
        self._at = now
        return min(most, int(self._saved))

    def took(self, events: int) -> None:
        self._saved -= events
