"""Whom a fan-out may leave out: those who have not read for days, as one worker knows it."""

import time
from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.ids import DAY_MS, IdArray
from services.activity.store import Activities, ActivityKind, ActivityStore
from services.clock import Clock

MAX_AGE_SECONDS: Final = 300.0
"""For which a worker goes by what it has read, counted from when it asked: who returns has to wait
for so long before his home is whole. Everybody is read each few minutes."""
SCAN_SECONDS: Final = 120.0
"""Between two looks, at most: one may fail before anybody is delivered to for nothing."""
MARKED_AT_ONCE: Final = 65_536
"""Users put to sleep by one call: 4 MB packed."""
MAX_UNKNOWN: Final = 2**21
"""Followers of whom nothing is known that are remembered between two looks, each time they are met:
16 MB. Who is met beyond them is met again."""


class _Known(NamedTuple):
    """What a look has found. `left_out`: of these users, who is."""

    asked_at: float
    users: IdArray
    dormant: IdArray
    left_out: NDArray[np.bool_]

    def find(self, users: IdArray) -> tuple[IdArray, NDArray[np.bool_]]:
        """The place of each, and whether he is there at all."""
        places = np.searchsorted(self.users, users)
        places[places == len(self.users)] = 0
        found = self.users[places] == users if len(self.users) else np.zeros(len(users), bool)
        return places, found


_NONE: Final = np.array([], np.int64)
_NOTHING: Final = _Known(float("-inf"), _NONE, _NONE, _NONE.astype(bool))


class InactiveUsers:
    """Puts to sleep who has not read for so many days, and leaves out who sleeps.

    Only whom two looks in a row found asleep, and who has not read by the second: so his sleep is
    durable before the first entry is left out, and whoever reads meanwhile finds one of the two.
    Where it has not looked for AGE_SECONDS it leaves out nobody.
    """

    def __init__(
        self,
        store: ActivityStore,
        days: int,
        clock: Clock,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`days` from 1 on; `now` in seconds, of which only differences mean something."""
        self._store = store
        self._days = days
        self._clock = clock
        self._now = now
        self._known = _NOTHING
        self._met: list[IdArray] = []
        self._count = 0

    def active_followers(self, users: IdArray) -> IdArray:
        """Those of these users whose homes a post is written to.

        To be asked when the post is in its author's timeline already: whoever is left out finds it
        there when he returns.
        """
        known = self._known
        if not self._now() - known.asked_at < MAX_AGE_SECONDS:
            return users
        places, found = known.find(users)
        if self._count < MAX_UNKNOWN and not found.all():
            self._met.append(users[~found])
            self._count += len(self._met[-1])
        return users if not found.any() else users[~(found & known.left_out[places])]

    async def scan(self) -> None:
        """Learns who sleeps, and puts to sleep who may; one at a time. Raises StoreUnavailable."""
        asked_at = self._now()
        found = await self._store.load_all()
        inactive = found.seen < self._clock() // DAY_MS - self._days
        asleep = found.dormant > found.awake
        left_out = inactive & asleep & self._had(found)
        self._known = _Known(asked_at, found.users, found.dormant, left_out)
        met, self._met, self._count = self._met, [], 0
        strangers = np.unique(np.concatenate([_NONE, *met]))
        strangers = strangers[~self._known.find(strangers)[1]]
        tired = inactive & ~asleep
        await self._put_to_sleep(strangers, np.ones(len(strangers), np.int64))
        await self._put_to_sleep(found.users[tired], found.awake[tired] + 1)

    def _had(self, found: Activities) -> NDArray[np.bool_]:
        """Whether the look before this one saw these sleeps."""
        if not len(self._known.users):
            return np.zeros(len(found.users), bool)
        places, known = self._known.find(found.users)
        return known & (self._known.dormant[places] >= found.dormant)

    async def _put_to_sleep(self, users: IdArray, sleeps: IdArray) -> None:
        for start in range(0, len(users), MARKED_AT_ONCE):
            some = slice(start, start + MARKED_AT_ONCE)
            await self._store.raise_numbers(ActivityKind.DORMANT, users[some], sleeps[some])
