"""A clock for tests."""

from typing import Any


class StandingClock:
    """Says the same time until a test changes it."""

    def __init__(self, now: Any = 0.0) -> None:
        self.now = now

    def __call__(self) -> Any:
        return self.now
