"""The inactive users that fan-out leaves out, as one worker knows them.

A user is *inactive* who has not read for so many days. A worker that finds them inactive makes them
*dormant* by raising a number in the store; until they read again (*awake*), fan-out may leave them
out.
"""

import time
from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.ids import DAY_MS, IdArray
from services.activity.store import Activities, ActivityKind, ActivityStore
from services.clock import Clock

MAX_AGE_SECONDS: Final = 300.0
"""How long a worker uses a scan, counted from its start. A returning user has to wait that long
before their home can be complete."""
SCAN_SECONDS: Final = 120.0
"""The time between two scans: one may fail before the last one is too old to leave out anybody."""
MARKED_AT_ONCE: Final = 65_536
"""Users made dormant by one write: 4 MB packed."""
MAX_UNKNOWN: Final = 2**21
"""Followers without a row remembered between two scans, with repeats, 16 MB. Others are seen
again."""


class _ScanResult(NamedTuple):
    """The result of a scan, by column; users ascending."""

    asked_at: float
    users: IdArray
    dormant: IdArray
    is_left_out: NDArray[np.bool_]

    def find(self, users: IdArray) -> tuple[IdArray, NDArray[np.bool_]]:
        """Return the row of each user, and whether there is one at all."""
        rows = np.searchsorted(self.users, users)
        rows[rows == len(self.users)] = 0
        found = self.users[rows] == users if len(self.users) else np.zeros(len(users), bool)
        return rows, found


_NONE: Final = np.array([], np.int64)
_NOTHING: Final = _ScanResult(float("-inf"), _NONE, _NONE, _NONE.astype(bool))


class InactiveUsers:
    """Tracks inactive users for one worker. Leaves out nobody until the second scan.

    It leaves out users that two scans in a row found dormant, and that have not read by the second.
    So the dormancy is durable before the first entry is left out, and a user who reads meanwhile
    either sees it or is seen reading. A scan older than MAX_AGE_SECONDS is not used.
    """

    def __init__(
        self,
        store: ActivityStore,
        days: int,
        clock: Clock,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`days` is at least 1; `now` is a monotonic clock in seconds."""
        self._store = store
        self._days = days
        self._clock = clock
        self._now = now
        self._known = _NOTHING
        self._unknown: list[IdArray] = []
        self._unknown_count = 0

    def active_followers(self, users: IdArray) -> IdArray:
        """Return the users that fan-out must still write to.

        Call it when the post is in its author's timeline already: users that are left out find it
        there when they return.
        """
        known = self._known
        if not self._now() - known.asked_at < MAX_AGE_SECONDS:
            return users
        rows, found = known.find(users)
        if self._unknown_count < MAX_UNKNOWN and not found.all():
            self._unknown.append(users[~found])
            self._unknown_count += len(self._unknown[-1])
        return users if not found.any() else users[~(found & known.is_left_out[rows])]

    async def scan(self) -> None:
        """Read who is dormant, and make inactive users dormant, among them followers without a row.

        Must not run concurrently. Raises StoreUnavailable.
        """
        asked_at = self._now()
        found = await self._store.load_all()
        inactive = found.seen < self._clock() // DAY_MS - self._days
        dormant = found.dormant > found.awake
        left_out = inactive & dormant & self._was_dormant(found)
        self._known = _ScanResult(asked_at, found.users, found.dormant, left_out)
        unknown = np.unique(np.concatenate([_NONE, *self._unknown]))
        self._unknown, self._unknown_count = [], 0
        unknown = unknown[~self._known.find(unknown)[1]]
        newly = inactive & ~dormant
        await self._make_dormant(unknown, np.ones(len(unknown), np.int64))
        await self._make_dormant(found.users[newly], found.awake[newly] + 1)

    def _was_dormant(self, found: Activities) -> NDArray[np.bool_]:
        """Whether the scan before this one found each user's present dormancy."""
        if not len(self._known.users):
            return np.zeros(len(found.users), bool)
        rows, known = self._known.find(found.users)
        return known & (self._known.dormant[rows] >= found.dormant)

    async def _make_dormant(self, users: IdArray, numbers: IdArray) -> None:
        for start in range(0, len(users), MARKED_AT_ONCE):
            some = slice(start, start + MARKED_AT_ONCE)
            await self._store.raise_numbers(ActivityKind.DORMANT, users[some], numbers[some])
