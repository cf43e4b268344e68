"""Erasures in memory."""

from collections.abc import Collection

from schemas.ids import UserId
from services.erasures.store import Erasure, ErasureProgress, ErasureState, Hold, PendingErasure


class MemoryErasures:
    """An ErasureStore in this process."""

    def __init__(self) -> None:
        self._pending: dict[Erasure, PendingErasure] = {}
        self._states: dict[UserId, ErasureState] = {}

    async def ask(self, erasures: Collection[Erasure]) -> None:
        for each in erasures:
            known = self._states.get(each.user_id, ErasureState())
            asked_at = max(known.asked_at, each.asked_at)
            self._states[each.user_id] = known._replace(asked_at=asked_at)
            self._pending.setdefault(each, PendingErasure(each, hold=Hold("", 1)))

    async def pending(self, limit: int) -> list[PendingErasure]:
        return [self._pending[each] for each in sorted(self._pending)[:limit]]

    async def save(self, erasure: Erasure, progress: ErasureProgress, hold: Hold) -> None:
        known = self._pending.get(erasure, PendingErasure(erasure))
        if hold.until > known.hold.until:
            self._pending[erasure] = PendingErasure(erasure, progress, hold)

    async def finish(self, erasure: Erasure) -> None:
        known = self._states.get(erasure.user_id, ErasureState())
        done = max(known.done, erasure.asked_at)
        self._states[erasure.user_id] = known._replace(done=done)
        self._pending.pop(erasure, None)

    async def state(self, user: UserId) -> ErasureState:
        return self._states.get(user, ErasureState())
