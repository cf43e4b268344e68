"""Relations in Cassandra: all that a page needs about a viewer lies together."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Sequence
from typing import Any

from schemas.events import FollowFact
from schemas.ids import ListId, PostId, UserId, Version
from services.relations.edges import edge_fact
from services.relations.erasure import ErasedRelations
from services.relations.lists import OwnedList, first_cell
from services.relations.mutation import (
    MAX_CELLS,
    RelationMutation,
    SubjectKind,
    both_sides,
)
from services.relations.owned_lists import OwnedLists, list_rows
from services.relations.places import KEY, OWN, THREADS, pair_key, row_key
from services.relations.relations import (
    Edge,
    ReadMark,
    ReadMarks,
    Relations,
    Relationship,
    ended_at,
    marks_from_rows,
    read_marks,
    relations_from_rows,
)
from services.relations.store import MAX_ROWS, Pair, SubjectPage, SubjectPlace
from services.scan import ScanPage
from services.storage.session import Store
from services.storage.statements import (
    ERASED,
    INVERTED,
    KEYS_AT_ONCE,
    UNSET,
    Row,
    insert,
    key_chunks,
    select,
)

PEOPLE = list(range(THREADS))

_CELLS = tuple(f"cell_{number}" for number in range(1, MAX_CELLS + 1))
_ROW = f"other_id, kind, item, removed, writetime(removed), {', '.join(_CELLS)}"
_WRITE = insert("relations", *KEY, "removed", *_CELLS, operation="say")
_FIRST = insert("relations", *KEY, "cell_3", operation="first")
_ABOUT = select(
    "relations",
    "about",
    _ROW,
    f"WHERE owner_id = ? AND part IN ? AND other_id IN ? PER PARTITION LIMIT {MAX_ROWS}",
)
_EDGES = select(
    "relations",
    "edges",
    "owner_id, other_id, removed, writetime(removed)",
    f"WHERE owner_id IN ? AND part = {OWN} AND other_id IN ? AND kind = {int(SubjectKind.FOLLOW)} "
    "AND item = ''",
)
_PAGE = select(
    "relations",
    "page",
    "other_id, kind, item, removed",
    f"WHERE owner_id = ? AND part = {OWN} AND (other_id, kind, item) > (?, ?, ?) LIMIT ?",
)
_MARKS = select(
    "relations",
    "marks",
    _ROW,
    f"WHERE owner_id = ? AND part = {THREADS} AND (other_id, kind) > (?, ?) LIMIT ?",
)
_EDGE_ROWS = select(
    "relations",
    "edge-facts",
    _ROW,
    f"WHERE owner_id = ? AND part = {OWN} AND (other_id, kind, item) > (?, ?, ?) LIMIT ?",
)
_OWNERS = select(
    "relations",
    "scan",
    "DISTINCT owner_id, part, token(owner_id, part)",
    "WHERE token(owner_id, part) > ? LIMIT ?",
)
_BLOCK = insert("blocks", "pair", "blocker_id", "removed", "ended", operation="block")
_BLOCKS = select("blocks", "read", "pair, removed, ended", "WHERE pair IN ?")
_SUSPEND = insert("accounts", "user_id", "suspended", operation="suspend")
_ERASE = insert("accounts", "user_id", "erased", "suspended", operation="erase")
_ACCOUNTS = select("accounts", "read", "user_id, suspended, erased", "WHERE user_id IN ?")

_LAST_KIND = 127
"""Above every kind: after all rows about one user."""


class CassandraRelations:
    """A RelationStore in Cassandra."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lists = OwnedLists(store)
        self._erasure = ErasedRelations(store)

    async def record(self, mutations: Sequence[RelationMutation]) -> None:
        await self._store.write(row for each in mutations for row in _rows(each))
        await self._write_first_owners(_made(mutations))

    async def about(self, owner: UserId, others: Collection[UserId]) -> Relations:
        return relations_from_rows(owner, await self._read(owner, PEOPLE, others))

    async def marks(self, owner: UserId, posts: Collection[PostId]) -> ReadMarks:
        return marks_from_rows(await self._read(owner, [THREADS], posts))

    async def thread_marks(
        self, owner: UserId, *, after: tuple[PostId, int], limit: int
    ) -> list[ReadMark]:
        found: list[ReadMark] = []
        place: tuple[int, int] = after
        while len(found) < limit:
            rows = await self._store.read(_MARKS, owner, *place, KEYS_AT_ONCE)
            found += read_marks(rows)
            if len(rows) < KEYS_AT_ONCE:
                break
            place = rows[-1][:2]
        return found[:limit]

    async def suspended(self, users: Collection[UserId]) -> set[UserId]:
        return {
            UserId(user)
            for user, suspended, erased in await self._accounts(users)
            if suspended or erased
        }

    async def erased(self, users: Collection[UserId]) -> set[UserId]:
        return {UserId(user) for user, _, erased in await self._accounts(users) if erased}

    async def subjects(self, owner: UserId, after: SubjectPlace | None, limit: int) -> SubjectPage:
        return await self._erasure.subjects(owner, after, limit)

    async def erase(self, mutations: Sequence[RelationMutation]) -> None:
        await self._erasure.erase(mutations)
        await self._write_first_owners(_made(mutations))

    async def erase_owner(self, owner: UserId) -> None:
        await self._erasure.erase_owner(owner)

    async def blocked_pairs(self, pairs: Collection[Pair]) -> set[Pair]:
        blocks = await self._blocks(pairs)
        return {pair for pair in pairs if blocks.get(pair_key(pair), (False, 0))[0]}

    async def followed_pairs(self, pairs: Collection[Pair]) -> set[Pair]:
        asked = (self._store.read(_EDGES, *product) for product in _products(pairs))
        blocks, *found = await asyncio.gather(self._blocks(pairs), *asked)
        live = {
            (owner, other): version
            for rows in found
            for owner, other, removed, version in rows
            if not removed
        }
        return {
            pair
            for pair in pairs
            if pair in live and live[pair] > blocks.get(pair_key(pair), (False, -1))[1]
        }

    async def others(
        self, owner: UserId, kind: SubjectKind, *, after: UserId, limit: int
    ) -> dict[UserId, Relationship]:
        found: dict[UserId, Relationship] = {}
        async for listed in self._stated(owner, kind, after):
            known = await self.about(owner, listed) if listed else Relations()
            found |= {each: known.to(each) for each in listed if known.to(each).has(kind)}
            if len(found) >= limit:
                break
        return dict(list(found.items())[:limit])

    async def _stated(
        self, owner: UserId, kind: SubjectKind, after: UserId
    ) -> AsyncIterator[list[UserId]]:
        """Yield users about whom the owner states something of a kind, by statements read."""
        place: tuple[Any, ...] = (after, _LAST_KIND, "")
        while True:
            rows = await self._store.read(_PAGE, owner, *place, KEYS_AT_ONCE)
            yield [UserId(row[0]) for row in rows if row[1] == kind and not row[3]]
            if len(rows) < KEYS_AT_ONCE:
                return
            place = rows[-1][:3]

    async def followees(self, owner: UserId, *, after: UserId, limit: int) -> list[Edge]:
        found = await self.others(owner, SubjectKind.FOLLOW, after=after, limit=limit)
        return [between.edge for between in found.values() if between.edge is not None]

    async def stated_followees(self, owner: UserId, limit: int) -> list[UserId]:
        found: list[UserId] = []
        async for listed in self._stated(owner, SubjectKind.FOLLOW, UserId(0)):
            found += listed
            if len(found) >= limit:
                break
        return found[:limit]

    async def edge_facts(self, owner: UserId, *, after: UserId, limit: int) -> list[FollowFact]:
        found: list[FollowFact] = []
        place: tuple[Any, ...] = (after, _LAST_KIND, "")
        while len(found) < limit:
            rows = await self._store.read(_EDGE_ROWS, owner, *place, KEYS_AT_ONCE)
            edges = [row for row in rows if row[1] == SubjectKind.FOLLOW]
            blocks = await self._blocks([(owner, UserId(row[0])) for row in edges])
            for other, _, _, removed, version, *cells in edges:
                pair = (owner, UserId(other))
                ended = Version(blocks.get(pair_key(pair), (False, -1))[1])
                found.append(edge_fact(pair, version, cells, removed=removed, ended=ended))
            if len(rows) < KEYS_AT_ONCE:
                break
            place = rows[-1][:3]
        return found[:limit]

    async def owners(self, token: int, limit: int) -> ScanPage[UserId]:
        rows = await self._store.read(_OWNERS, token, limit)
        owners = [UserId(owner) for owner, part, _ in rows if part == OWN]
        return ScanPage(owners, rows[-1][2] if len(rows) == limit else None)

    async def list_of(self, list_id: ListId) -> OwnedList | None:
        return await self._lists.read(list_id)

    async def members(self, list_id: ListId, *, after: UserId, limit: int) -> list[UserId]:
        return await self._lists.members(list_id, after, limit)

    async def memberships(
        self, lists: Collection[int], users: Collection[UserId]
    ) -> set[tuple[ListId, UserId]]:
        return await self._lists.memberships(lists, users)

    async def _read(
        self, owner: UserId, parts: list[int], others: Collection[int]
    ) -> list[tuple[Any, ...]]:
        """The rows about these users or posts, and the first MAX_ROWS of those under 0."""
        chunks = list(key_chunks((0, *others)))
        asked = (self._store.read(_ABOUT, owner, parts, chunk) for chunk in chunks)
        first, *rest = await asyncio.gather(*asked)
        others_beside = chunks[0][1:]
        if len(first) >= MAX_ROWS and others_beside:  # those under 0 leave no room for them
            first = [row for row in first if row[0] == 0]
            rest.append(await self._store.read(_ABOUT, owner, parts, others_beside))
        for rows in rest:
            first += rows
        return first

    async def _blocks(self, pairs: Collection[Pair]) -> dict[bytes, tuple[bool, int]]:
        """For each pair with a row: whether there is a block, and up to where edges have ended."""
        asked = (self._store.read(_BLOCKS, part) for part in key_chunks(map(pair_key, pairs)))
        found: dict[bytes, tuple[bool, int]] = {}
        for rows in await asyncio.gather(*asked):
            for key, removed, ended in rows:
                there, so_far = found.get(key, (False, -1))
                found[key] = (there or not removed, max(so_far, ended_at(ended)))
        return found

    async def _accounts(self, users: Collection[UserId]) -> list[tuple[Any, ...]]:
        asked = (self._store.read(_ACCOUNTS, part) for part in key_chunks(users))
        return [row for part in await asyncio.gather(*asked) for row in part]

    async def _write_first_owners(self, lists: Collection[ListId]) -> None:
        """Write the first owner of contested lists into the rows of all other claimants."""
        if not lists:
            return
        await self._store.write(
            _FIRST.row(
                owner_id=claimant,
                part=OWN,
                other_id=0,
                kind=int(SubjectKind.LIST),
                item=str(list_id),
                cell_3=first_cell(winner.owner_id),
                version=INVERTED - winner.version,
            )
            for list_id, winner, in_vain in await self._lists.contested(lists)
            for claimant in in_vain
        )


def _made(mutations: Iterable[RelationMutation]) -> set[ListId]:
    """Return the lists that these mutations claim."""
    return {
        ListId(int(each.subject.item))
        for each in mutations
        if each.subject.kind is SubjectKind.LIST and each.cells
    }


def _rows(mutation: RelationMutation) -> Iterator[Row]:
    owner, kind, other, _ = mutation.subject
    version, removed = mutation.version, mutation.removed
    if kind is SubjectKind.ACCOUNT:
        yield _SUSPEND.row(user_id=owner, suspended=removed, version=version)
        return
    if kind is SubjectKind.ERASED:
        yield _ERASE.row(user_id=owner, erased=True, suspended=False, version=ERASED)
        return
    for each in both_sides(mutation):
        yield _relation_row(each)
    if kind is SubjectKind.BLOCK:
        pair = pair_key((owner, UserId(other)))
        yield _BLOCK.row(
            pair=pair,
            blocker_id=owner,
            removed=removed,
            ended=(mutation.cells or (None,))[0] or UNSET,
            version=version,
        )
    elif kind is SubjectKind.LIST_MEMBER:
        yield from list_rows(mutation)
    elif kind is SubjectKind.LIST:
        yield from list_rows(mutation)
        if mutation.cells:
            first = first_cell(owner)
            yield _FIRST.row(**row_key(mutation.subject), cell_3=first, version=INVERTED - version)


def _relation_row(mutation: RelationMutation) -> Row:
    cells: dict[str, Any] = dict.fromkeys(_CELLS, UNSET)
    stated = zip(_CELLS, mutation.cells, strict=False)
    cells.update((name, value) for name, value in stated if value is not None)
    return _WRITE.row(
        **row_key(mutation.subject), removed=mutation.removed, **cells, version=mutation.version
    )


def _products(pairs: Iterable[Pair]) -> Iterator[tuple[list[UserId], list[UserId]]]:
    """Followers and followees whose products cover all pairs, each within its bound."""
    followers: dict[UserId, dict[UserId, None]] = {}
    for follower, followee in pairs:
        followers.setdefault(followee, {})[follower] = None
    some: dict[UserId, None] = {}
    followees: list[UserId] = []
    for followee, theirs in followers.items():
        both = some | theirs
        if followees and len(both) * (len(followees) + 1) > KEYS_AT_ONCE:
            yield list(some), followees
            both, followees = dict(theirs), []
        some, followees = dict(both), [*followees, followee]
    for part in key_chunks(some) if followees else ():
        yield part, followees
