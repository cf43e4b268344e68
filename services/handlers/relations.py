"""Handler of `relations`: each fact is kept; who reads decides by what is kept."""

from collections.abc import Sequence

from schemas.relations import RelationFact
from services.handlers.handler import Accepted
from services.relations.mutation import relation_mutation
from services.relations.store import RelationStore


class RecordRelations:
    """Writes what people say of each other and set for themselves.

    Nothing is asked for: what a follow of a tag brings is pulled when it is read.
    """

    def __init__(self, relations: RelationStore) -> None:
        self._relations = relations

    async def __call__(self, batch: Sequence[Accepted[RelationFact]]) -> None:
        await self._relations.record([relation_mutation(each.message) for each in batch])
