"""Activity in Cassandra: a row for each user and kind, in which the highest number wins."""

import asyncio

import numpy as np

from schemas.ids import SLOTS, IdArray, UserId, slot, slots
from services.activity.store import Activities, Activity, ActivityKind
from services.storage.session import Store
from services.storage.statements import ERASED, Column, delete, insert, select

PARTS = 256
"""With ten million users a part has 160,000 rows: 5 MB in one answer."""
PARTS_AT_ONCE = 8
"""Parts that `load_all` reads at a time: more would slow down deliveries."""

_RAISE = insert("activity", "part", "user_id", "kind", "number", operation="raise")
_ERASE = delete("activity", "part", "user_id", operation="erase")
_OF = select("activity", "read", "kind, number", "WHERE part = ? AND user_id = ?")
_PART = select("activity", "scan", "user_id, kind, number", "WHERE part = ?")


class CassandraActivity:
    """An ActivityStore in Cassandra. A number is its own write timestamp."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def raise_numbers(self, kind: ActivityKind, users: IdArray, numbers: IdArray) -> None:
        columns: dict[str, Column] = {
            "part": slots(users) * PARTS // SLOTS,
            "user_id": users,
            "kind": int(kind),
            "number": numbers,
            "version": numbers,
        }
        await self._store.write_columns(_RAISE, columns)

    async def load(self, user: UserId) -> Activity:
        part = slot(user) * PARTS // SLOTS
        known = list(Activity())
        for kind, number in await self._store.read(_OF, part, user):
            known[kind] = number
        return Activity(*known)

    async def load_all(self) -> Activities:
        found = []
        for start in range(0, PARTS, PARTS_AT_ONCE):
            parts = range(start, start + PARTS_AT_ONCE)
            found += await asyncio.gather(*(self._store.read_arrays(_PART, each) for each in parts))
        users, kinds, numbers = (
            np.concatenate([each[name] for each in found]) for name in ("user_id", "kind", "number")
        )
        users, places = np.unique(users, return_inverse=True)
        columns = np.zeros((len(ActivityKind), len(users)), np.int64)
        columns[kinds, places] = numbers
        return Activities(users, *columns)

    async def erase(self, user: UserId) -> None:
        part = slot(user) * PARTS // SLOTS
        await self._store.write([_ERASE.row(part=part, user_id=user, version=ERASED)])
