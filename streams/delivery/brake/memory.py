"""Brakes in memory."""

from collections.abc import Collection

from streams.delivery.brake.store import BrakeState, Engagement


class MemoryBrakes:
    """A BrakeStore in this process."""

    def __init__(self) -> None:
        self._states: dict[str, BrakeState] = {}

    async def engage(self, topic: str, engagement: Engagement) -> None:
        state = self._state(topic)
        self._states[topic] = state._replace(engaged=_higher(state.engaged, engagement))

    async def release(self, topic: str, number: int, tolerated: int = 0) -> None:
        state = self._state(topic)
        released = max((state.released, state.tolerated), (number, tolerated))
        self._states[topic] = BrakeState(state.engaged, *released)

    async def load(self, topics: Collection[str]) -> dict[str, BrakeState]:
        return {topic: self._state(topic) for topic in topics}

    def _state(self, topic: str) -> BrakeState:
        return self._states.get(topic, BrakeState())


def _higher(kept: Engagement | None, new: Engagement) -> Engagement:
    if kept is None or kept.number < new.number:
        return new
    if kept.number > new.number:
        return kept
    return Engagement(
        new.number,
        max(kept.reason, new.reason),
        max(kept.dead, new.dead),
        max(kept.messages, new.messages),
    )
