"""Decides when too many messages become dead letters. Pure."""

from collections import deque
from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

BrakeReason = Literal["share", "row"]
"""The closed set of reasons for a brake; a metric has them as label."""
PERCENT: Final = 100


class BrakeLimits(NamedTuple):
    """How many dead letters are too many."""

    window: int = 10_000
    """The latest messages that count: what one worker handles in a tenth of a second, and few
    enough to notice a bad producer while a person can still read its dead letters."""
    first: int = 1_000
    """Messages before a share counts: a single one of the first fifty would be two percent."""
    percent: int = 1
    """The share of dead letters that is still accepted."""
    consecutive: int = 500
    """Dead letters in a row: a producer whose every message is bad, on any partition."""


class Tripped(NamedTuple):
    """The reason why the brake engages, with figures for the operator."""

    reason: BrakeReason
    dead: int
    messages: int


class OutcomeWindow:
    """The outcomes of the latest messages, as the lengths of their runs.

    A batch without dead letters costs the same however large it is. After `Tripped` a window is
    of no further use.
    """

    def __init__(self, limits: BrakeLimits | None = None, tolerated: int = 0) -> None:
        """The first `tolerated` dead letters do not count."""
        self._limits = limits or BrakeLimits()
        self._tolerated = tolerated
        self._runs: deque[tuple[bool, int]] = deque()
        self._length = 0
        self._dead = 0
        self._consecutive = 0

    def copy(self) -> "OutcomeWindow":
        """Return an independent copy."""
        twin = OutcomeWindow(self._limits, self._tolerated)
        twin._runs = self._runs.copy()
        twin._length, twin._dead, twin._consecutive = self._length, self._dead, self._consecutive
        return twin

    def handled(self, count: int) -> Tripped | None:
        """Add messages that are no dead letters.

        They only lower the share; but with them there may be enough messages to judge it.
        """
        missing = self._limits.first - self._length
        if self._dead and 0 < missing <= count:
            self._append(False, missing)
            count -= missing
            tripped = self._judge()
            if tripped is not None:
                return tripped
        self._append(False, count)
        return None

    def died(self) -> Tripped | None:
        """Add one dead letter."""
        if self._tolerated:
            self._tolerated -= 1
            return None
        self._append(True, 1)
        return self._judge()

    def until_tripped(self, outcomes: Iterable[bool]) -> tuple[int, Tripped | None]:
        """Add outcomes, True for a dead letter, up to the one that trips. Return how many."""
        taken = 0
        for is_dead in outcomes:
            taken += 1
            tripped = self.died() if is_dead else self.handled(1)
            if tripped is not None:
                return taken, tripped
        return taken, None

    def _judge(self) -> Tripped | None:
        limits = self._limits
        if self._consecutive >= limits.consecutive:
            return Tripped("row", self._consecutive, self._consecutive)
        if self._length >= limits.first and self._dead * PERCENT > self._length * limits.percent:
            return Tripped("share", self._dead, self._length)
        return None

    def _append(self, is_dead: bool, count: int) -> None:
        if not count:
            return
        self._consecutive = self._consecutive + count if is_dead else 0
        if self._runs and self._runs[-1][0] == is_dead:
            self._runs[-1] = (is_dead, self._runs[-1][1] + count)
        else:
            self._runs.append((is_dead, count))
        self._length += count
        self._dead += count if is_dead else 0
        self._forget_oldest()

    def _forget_oldest(self) -> None:
        while self._length > self._limits.window:
            is_dead, count = self._runs.popleft()
            gone = min(count, self._length - self._limits.window)
            if gone < count:
                self._runs.appendleft((is_dead, count - gone))
            self._length -= gone
            self._dead -= gone if is_dead else 0
