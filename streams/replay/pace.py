"""How many events may be read now. Pure: time is passed in."""

BURST_SECONDS = 0.5
"""What is not read in its time is made up for up to so much: a pause is not followed by a flood."""


class RateLimiter:
    """So many a second, or as many as there are."""

    def __init__(self, per_second: float | None, now: float) -> None:
        self._per_second = per_second
        self._at = now
        self._saved = 0.0

    def allows(self, now: float, most: int) -> int:
        """Up to `most`; fractions are kept for the next time."""
        if self._per_second is None:
            return most
        room = max(1.0, self._per_second * BURST_SECONDS)
        self._saved = min(room, self._saved + (now - self._at) * self._per_second)
        self._at = now
        return min(most, int(self._saved))

    def took(self, events: int) -> None:
        self._saved -= events
