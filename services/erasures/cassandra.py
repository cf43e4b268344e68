"""Erasures in Cassandra: a row for each that is asked for, and its dates beside the account.

A row of the list is removed when its erasure is done. Should it rise again from an old message, the
date beside the account says that it is done.
"""

from collections.abc import Collection

import msgspec

from schemas.ids import UserId
from services.erasures.store import Erasure, ErasureProgress, ErasureState, Hold, PendingErasure
from services.storage.session import Store
from services.storage.statements import ERASED, delete, insert, select

PART = 0

_KEY = ("part", "user_id", "asked_at")
_SAVE = insert("erasures", *_KEY, "holder", "held_until", "progress", operation="save")
_DROP = delete("erasures", *_KEY, operation="finish")
_PENDING = select(
    "erasures",
    "pending",
    "user_id, asked_at, holder, held_until, progress",
    "WHERE part = ? LIMIT ?",
)
_ASKED = insert("accounts", "user_id", "erasure_asked", operation="ask")
_DONE = insert("accounts", "user_id", "erasure_done", operation="done")
_STATE = select("accounts", "erasure", "erasure_asked, erasure_done", "WHERE user_id = ?")


class CassandraErasures:
    """An ErasureStore in Cassandra. Dates are their own write timestamps: the highest stays."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def ask(self, erasures: Collection[Erasure]) -> None:
        """Write the list first: what is beside an account is on it, or done."""
        for each in erasures:
            await self.save(each, ErasureProgress(), Hold("", 1))
        await self._store.write(
            _ASKED.row(user_id=user, erasure_asked=asked, version=asked) for user, asked in erasures
        )

    async def pending(self, limit: int) -> list[PendingErasure]:
        return [
            PendingErasure(
                Erasure(UserId(user), asked),
                msgspec.json.decode(progress, type=ErasureProgress),
                Hold(holder, until),
            )
            for user, asked, holder, until, progress in await self._store.read(
                _PENDING, PART, limit
            )
            if progress is not None
        ]

    async def save(self, erasure: Erasure, progress: ErasureProgress, hold: Hold) -> None:
        row = _SAVE.row(
            **_key(erasure),
            holder=hold.holder,
            held_until=hold.until,
            progress=msgspec.json.encode(progress).decode(),
            version=hold.until,
        )
        await self._store.write([row])

    async def finish(self, erasure: Erasure) -> None:
        user, asked = erasure
        await self._store.write([_DONE.row(user_id=user, erasure_done=asked, version=asked)])
        await self._store.write([_DROP.row(**_key(erasure), version=ERASED)])

    async def state(self, user: UserId) -> ErasureState:
        for asked, done in await self._store.read(_STATE, user):
            return ErasureState(asked or 0, done or 0)
        return ErasureState()


def _key(erasure: Erasure) -> dict[str, int]:
    return {"part": PART, **erasure._asdict()}
