"""Handler of `relations`: stores each fact; readers decide by what is stored."""

from collections.abc import Sequence

from schemas.ids import UserId
from schemas.relations import AccountErased, RelationFact
from services.erasures.store import Erasure, ErasureStore
from services.handlers.handler import Accepted
from services.relations.mutation import relation_mutation
from services.relations.store import RelationStore


class RecordRelations:
    """Writes users' relations and settings.

    It requests no delivery: the posts of a followed tag are pulled when a home is read. An erasure
    is on the list of work when this returns, for `services.handlers.erasure`.
    """

    def __init__(self, relations: RelationStore, erasures: ErasureStore) -> None:
        self._relations = relations
        self._erasures = erasures

    async def __call__(self, batch: Sequence[Accepted[RelationFact]]) -> None:
        await self._relations.record([relation_mutation(each.message) for each in batch])
        # The facts are durable before anybody begins to look for what is to be erased.
        asked = {
            Erasure(UserId(fact.owner_id), max(1, accepted_at))
            for fact, accepted_at in batch
            if isinstance(fact, AccountErased)
        }
        if asked:
            await self._erasures.ask(asked)

    async def erase(self, batch: Sequence[Accepted[RelationFact]]) -> None:
        """Erase what these say, from both ends."""
        await self._relations.erase([relation_mutation(each.message) for each in batch])
