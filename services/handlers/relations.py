"""Handler of `relations`: stores each fact; readers decide by what is stored."""

from collections.abc import Sequence

from schemas.relations import RelationFact
from services.handlers.handler import Accepted
from services.relations.mutation import relation_mutation
from services.relations.store import RelationStore


class RecordRelations:
    """Writes users' relations and settings.

    It requests no delivery: the posts of a followed tag are pulled when a home is read.
    """

    def __init__(self, relations: RelationStore) -> None:
        self._relations = relations

    async def __call__(self, batch: Sequence[Accepted[RelationFact]]) -> None:
        await self._relations.record([relation_mutation(each.message) for each in batch])
