"""Activity in memory."""

import numpy as np

from schemas.ids import IdArray, UserId
from services.activity.store import Activities, Activity, ActivityKind


class MemoryActivity:
    """An ActivityStore in this process."""

    def __init__(self) -> None:
        self._known: dict[int, Activity] = {}

    async def raise_numbers(self, kind: ActivityKind, users: IdArray, numbers: IdArray) -> None:
        for user, number in zip(users.tolist(), numbers.tolist(), strict=True):
            known = list(self._known.get(user, Activity()))
            known[kind] = max(known[kind], number)
            self._known[user] = Activity(*known)

    async def load(self, user: UserId) -> Activity:
        return self._known.get(user, Activity())

    async def load_all(self) -> Activities:
        rows = [(user, *self._known[user]) for user in sorted(self._known)]
        width = len(Activities._fields)
        return Activities(*np.array(rows, np.int64).reshape(len(rows), width).T.copy())

    async def erase(self, user: UserId) -> None:
        self._known.pop(user, None)
