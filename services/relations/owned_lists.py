"""Lists by their ids in Cassandra: their claims and their members.

Each claim is written before the others are read, so of two claims written at once at least one
finds the other. What it finds goes into each claimant's own row.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import Any, NamedTuple

from schemas.canonical import Canonical
from schemas.ids import MAX_ID, ListId, UserId, Version
from services.relations.lists import PARTS, ListClaim, OwnedList, first_claim, list_rules, part_of
from services.relations.mutation import LIST_CELLS, RelationMutation, SubjectKind
from services.storage.session import Store
from services.storage.statements import ERASED, INVERTED, Row, delete, insert, key_chunks, select

LOOKUPS_AT_ONCE = 4_000
"""Lists times users in one request; each costs the store some 10 µs."""

_PARTS = list(range(PARTS))
_OPTIONS = ("replies", "exclusive", "reposts")
_PLACE = ("list_id", "part", "member_id", "owner_id")
_CLAIM = insert("lists", *_PLACE, "claimed", operation="claim")
_MAKE = insert("lists", *_PLACE, "removed", *_OPTIONS, operation="make")
_PUT = insert("lists", *_PLACE, "removed", operation="put")
_UNMAKE = delete("lists", *_PLACE, cells=("removed", *_OPTIONS), operation="erase-list")
_DROP = delete("lists", *_PLACE, operation="erase")
_ROW = f"list_id, member_id, owner_id, writetime(claimed), removed, {', '.join(_OPTIONS)}"
_LISTS = select("lists", "read", _ROW, "WHERE list_id IN ? AND part = 0 AND member_id = 0")
_IN = select("lists", "contains", _ROW, "WHERE list_id IN ? AND part IN ? AND member_id IN ?")
_MEMBERS = select(
    "lists",
    "page",
    "part, member_id, owner_id, removed",
    "WHERE list_id = ? AND part IN ? AND (member_id, owner_id) > (?, ?) PER PARTITION LIMIT ?",
)


class _Claimed(NamedTuple):
    """A claim of a list's id, and what the claimant set for the list."""

    claim: ListClaim
    removed: bool | None
    replies: Canonical | None
    exclusive: Canonical | None
    reposts: Canonical | None


class OwnedLists:
    """The part of `CassandraRelations` that finds lists by their ids."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def read(self, list_id: ListId) -> OwnedList | None:
        """Return the list as its first owner made it."""
        claimed = _claimed(await self._claims([list_id])).get(list_id)
        return None if claimed is None else _owned(claimed)

    async def contested(
        self, lists: Collection[ListId]
    ) -> Iterator[tuple[ListId, ListClaim, set[UserId]]]:
        """Return lists with several claims: the claim that has the id, and the other claimants.

        Of an erased claimant only the claim is there: they are told of no other.
        """
        claims = _claimed(await self._claims(lists)).items()
        return (
            (
                list_id,
                winner,
                {each.claim.owner_id for each in claimed if each.replies} - {winner.owner_id},
            )
            for list_id, claimed in claims
            if len(claimed) > 1
            for winner in (first_claim(each.claim for each in claimed),)
        )

    async def members(self, list_id: ListId, after: UserId, limit: int) -> list[UserId]:
        """Return a page of the members, in `lists.member_order`."""
        owned = await self.read(list_id)
        found: list[UserId] = []
        part, place = (part_of(after) if after else 0), (int(after), MAX_ID)
        while owned is not None and part < PARTS and len(found) < limit:
            # Parts that are read from their beginnings are read together.
            parts = list(range(part, PARTS if place[0] == 0 else part + 1))
            rows = await self._store.read(_MEMBERS, list_id, parts, *place, limit)
            for each in parts:
                mine = [row for row in rows if row[0] == each]
                found += [row[1] for row in mine if row[2] == owned.owner_id and not row[3]]
                if len(mine) == limit:  # there may be more of it
                    part, place = each, mine[-1][1:3]
                    break
            else:
                part, place = parts[-1] + 1, (0, MAX_ID)
        return found[:limit]

    async def memberships(
        self, lists: Collection[int], users: Collection[UserId]
    ) -> set[tuple[ListId, UserId]]:
        """Return which of the users are in which of the lists."""
        known = [each for each in lists if each <= MAX_ID]
        found: set[tuple[ListId, UserId]] = set()
        for part in key_chunks(users, LOOKUPS_AT_ONCE // max(1, len(known)) or 1):
            rows = await self._store.read(_IN, known, _PARTS, [0, *part])
            claimed = _claimed(row for row in rows if row[1] == 0)
            owners = {each: owned.owner_id for each in claimed if (owned := _owned(claimed[each]))}
            found |= {
                (ListId(list_id), UserId(member))
                for list_id, member, owner, _, removed, *_ in rows
                if member and not removed and owners.get(ListId(list_id)) == owner
            }
        return found

    async def _claims(self, lists: Iterable[int]) -> list[tuple[Any, ...]]:
        known = (each for each in lists if each <= MAX_ID)
        return [row for part in key_chunks(known) for row in await self._store.read(_LISTS, part)]


def list_rows(mutation: RelationMutation) -> Iterator[Row]:
    """Yield the rows of a message about a list, under the list's id."""
    place, kind = _place(mutation), mutation.subject.kind
    if kind is SubjectKind.LIST and mutation.cells:
        stated = zip(LIST_CELLS, mutation.cells, strict=True)
        options = {name: value for name, value in stated if name and value is not None}
        yield _MAKE.row(**place, **options, removed=False, version=mutation.version)
        yield _CLAIM.row(**place, claimed=True, version=INVERTED - mutation.version)
    else:
        yield _PUT.row(**place, removed=mutation.removed, version=mutation.version)


def erased_list_rows(mutation: RelationMutation) -> Iterator[Row]:
    """Yield what removes the rows of a message about a list; a claim of the id stays."""
    place = _place(mutation)
    if mutation.subject.kind is SubjectKind.LIST_MEMBER:
        yield _DROP.row(**place, version=ERASED)
        return
    yield _UNMAKE.row(**place, version=ERASED)
    if mutation.cells:
        yield _CLAIM.row(**place, claimed=True, version=INVERTED - mutation.version)


def _place(mutation: RelationMutation) -> dict[str, int]:
    owner, _, member, item = mutation.subject
    part = part_of(member) if member else 0
    return {"list_id": int(item), "part": part, "member_id": member, "owner_id": owner}


def _claimed(rows: Iterable[tuple[Any, ...]]) -> dict[ListId, list[_Claimed]]:
    """The claims of each list; rows of lists that their writers only deleted claim nothing."""
    found: dict[ListId, list[_Claimed]] = {}
    for list_id, _, owner, written, *cells in rows:
        if written is not None:
            claim = ListClaim(Version(INVERTED - written), UserId(owner))
            found.setdefault(ListId(list_id), []).append(_Claimed(claim, *cells))
    return found


def _owned(claimed: Iterable[_Claimed]) -> OwnedList | None:
    """The list that results from its claims; None where it is deleted or not complete yet."""
    winner, removed, replies, exclusive, reposts = min(claimed)
    if removed is not False or replies is None or exclusive is None:
        return None
    return OwnedList(winner.owner_id, list_rules(replies, exclusive, reposts))
