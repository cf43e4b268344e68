"""Erases what people state of each other, from all sides that it is kept at.

Rows are removed with a timestamp above that of every fact. Nothing that is shown rests on it: the
fact of the erasure stands before, and whoever writes obeys it.
"""

from collections.abc import Iterator, Sequence

from schemas.ids import UserId
from services.relations.mutation import (
    ACCOUNTS,
    RelationMutation,
    Subject,
    SubjectKind,
    as_stated,
    both_sides,
)
from services.relations.owned_lists import erased_list_rows
from services.relations.places import ALL_PARTS, KEY, pair_key, pair_of, row_key
from services.relations.store import SubjectPage, SubjectPlace
from services.storage.session import Store
from services.storage.statements import ERASED, Row, delete, select

_REMOVE = delete("relations", *KEY, operation="erase")
_REMOVE_PART = delete("relations", *KEY[:2], operation="erase-part")
_REMOVE_BLOCK = delete("blocks", "pair", "blocker_id", operation="erase")
_SUBJECTS = select(
    "relations",
    "subjects",
    "other_id, kind, item",
    "WHERE owner_id = ? AND part = ? AND (other_id, kind, item) > (?, ?, ?) LIMIT ?",
)


class ErasedRelations:
    """The part of `CassandraRelations` that erases. Every method raises StoreUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def subjects(self, owner: UserId, after: SubjectPlace | None, limit: int) -> SubjectPage:
        """Return a page of one part of the owner's relations, which may be empty."""
        part, *place = after or (0, -1, 0, "")
        rows = await self._store.read(_SUBJECTS, owner, part, *place, limit)
        found = [
            as_stated(Subject(owner, SubjectKind(kind), other, item)) for other, kind, item in rows
        ]
        if len(rows) == limit:
            return SubjectPage(found, [part, *rows[-1]])
        further = int(part) + 1
        return SubjectPage(found, [further, -1, 0, ""] if further < ALL_PARTS else None)

    async def erase(self, mutations: Sequence[RelationMutation]) -> None:
        """Remove the rows of these mutations' subjects."""
        await self._store.write(row for each in mutations for row in _removals(each))

    async def erase_owner(self, owner: UserId) -> None:
        """Remove all partitions of the owner, above the removals of their rows."""
        await self._store.write(
            _REMOVE_PART.row(owner_id=owner, part=part, version=ERASED + 1)
            for part in range(ALL_PARTS)
        )


def _removals(mutation: RelationMutation) -> Iterator[Row]:
    kind = mutation.subject.kind
    if kind in ACCOUNTS:
        return
    for each in both_sides(mutation):
        yield _REMOVE.row(**row_key(each.subject), version=ERASED)
    if kind is SubjectKind.BLOCK:
        pair, blocker = pair_key(pair_of(mutation.subject)), mutation.subject.owner_id
        yield _REMOVE_BLOCK.row(pair=pair, blocker_id=blocker, version=ERASED)
    elif kind in (SubjectKind.LIST, SubjectKind.LIST_MEMBER):
        yield from erased_list_rows(mutation)
