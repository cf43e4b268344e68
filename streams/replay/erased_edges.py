"""Tells edges that erasures took from edges that a store has lost."""

from collections.abc import Collection, Iterator

from schemas.codec import decode
from schemas.errors import SchemaViolation
from schemas.events import FollowFact
from schemas.ids import UserId
from schemas.snapshots import FOLLOW_EDGES, EdgesWritten
from services.erasures.store import ErasureStore
from services.relations.store import RelationStore
from services.settings.brokers import Brokers
from streams.kafka.reader import TopicReader, in_batches
from streams.threads import in_thread


class SnapshotErasures:
    """Counts edges of a snapshot that erasures took since it was written."""

    def __init__(self, brokers: Brokers, relations: RelationStore, erasures: ErasureStore) -> None:
        self._brokers = brokers
        self._relations = relations
        self._erasures = erasures

    async def count(self, last: EdgesWritten, most: int) -> int:
        """Return how many edges of the snapshot were of accounts whose erasure is done.

        Counts to `most`, which also bounds what is kept in memory. What an erasure under way has
        taken is not counted. Raises StoreUnavailable and BrokerUnavailable.
        """
        taken: set[tuple[int, int]] = set()
        is_done: dict[UserId, bool] = {}
        async with in_thread(TopicReader(self._brokers)) as reader:
            async for facts in in_batches(_edges(reader, last.began_at)):
                followers = {UserId(each.follower_id) for each in facts}
                followees = {UserId(each.followee_id) for each in facts}
                erased = await self._relations.erased(followers)
                erased |= await self._relations.erased(followees)
                await self._look_up(erased - is_done.keys(), is_done)
                taken |= {
                    (each.follower_id, each.followee_id)
                    for each in facts
                    if is_done.get(UserId(each.follower_id))
                    or is_done.get(UserId(each.followee_id))
                }
                if len(taken) >= most:
                    return most
        return len(taken)

    async def _look_up(self, users: Collection[UserId], is_done: dict[UserId, bool]) -> None:
        for each in users:
            is_done[each] = (await self._erasures.state(each)).is_done


def _edges(reader: TopicReader, since: int) -> Iterator[FollowFact]:
    """Yield the edges that were written to the topic since a time.

    What is older was in earlier snapshots, and stays in a topic that never forgets a key.
    """
    for record in reader.read_all(reader.spans([FOLLOW_EDGES])):
        if record.timestamp < since:
            continue
        try:
            message = decode(FOLLOW_EDGES, record.key, record.value, record.timestamp)
        except SchemaViolation:
            continue
        if isinstance(message, FollowFact):
            yield message
