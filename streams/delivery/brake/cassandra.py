"""Brakes in Cassandra: each number is its own write timestamp, so that the highest stays."""

from collections.abc import Collection

from services.storage.session import Store
from services.storage.statements import insert, select
from streams.delivery.brake.store import BrakeState, Engagement

_ENGAGE = insert("brakes", "topic", "engaged", "reason", "dead", "messages", operation="engage")
_RELEASE = insert("brakes", "topic", "released", "tolerated", operation="release")
_LOAD = select(
    "brakes",
    "load",
    "topic, released, tolerated, engaged, reason, dead, messages",
    "WHERE topic IN ?",
)


class CassandraBrakes:
    """A BrakeStore in Cassandra."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def engage(self, topic: str, engagement: Engagement) -> None:
        number, reason, dead, messages = engagement
        columns = {"engaged": number, "reason": reason, "dead": dead, "messages": messages}
        await self._store.write([_ENGAGE.row(topic=topic, **columns, version=number)])

    async def release(self, topic: str, number: int, tolerated: int = 0) -> None:
        columns = {"released": number, "tolerated": tolerated}
        await self._store.write([_RELEASE.row(topic=topic, **columns, version=number)])

    async def load(self, topics: Collection[str]) -> dict[str, BrakeState]:
        found = {topic: BrakeState() for topic in topics}
        rows = await self._store.read(_LOAD, list(topics))
        for topic, released, tolerated, *engaged in rows:
            known = None if None in engaged else Engagement(*engaged)
            found[topic] = BrakeState(known, released or 0, tolerated or 0)
        return found
