"""Handler of `follows`: writes the edge, then requests the backfill."""

import asyncio
from collections.abc import Sequence

from schemas.events import FollowCreated, FollowFact
from schemas.ids import UserId
from schemas.requests import BackfillFollow
from services.graph.edge import edge_mutation
from services.graph.store import GraphStore
from services.handlers.handler import Accepted
from services.handlers.outbox import RequestOutbox
from services.relations.mutation import relation_mutation
from services.relations.store import RelationStore


class RecordFollows:
    """Writes edges at both ends and requests a backfill for each new one.

    Both ends are durable before the backfill reads the followee's author timeline, and a post is in
    that timeline before its fan-out reads the followers. So at least one of the two sees the other.
    """

    def __init__(self, graph: GraphStore, relations: RelationStore, outbox: RequestOutbox) -> None:
        self._graph = graph
        self._relations = relations
        self._outbox = outbox

    async def __call__(self, batch: Sequence[Accepted[FollowFact]]) -> None:
        facts = [each.message for each in batch]
        await asyncio.gather(
            self._graph.record([edge_mutation(fact) for fact in facts]),
            self._relations.record([relation_mutation(fact) for fact in facts]),
        )
        new_edges = {
            (fact.follower_id, fact.followee_id): None
            for fact in facts
            if isinstance(fact, FollowCreated)
        }
        await self._outbox.send(
            [BackfillFollow(follower_id=a, followee_id=b) for a, b in new_edges]
        )

    async def erase(self, batch: Sequence[Accepted[FollowFact]]) -> None:
        """Erase the edges from both ends."""
        facts = [each.message for each in batch]
        await asyncio.gather(
            self._graph.erase_edges(
                [(UserId(fact.follower_id), UserId(fact.followee_id)) for fact in facts]
            ),
            self._relations.erase([relation_mutation(fact) for fact in facts]),
        )
