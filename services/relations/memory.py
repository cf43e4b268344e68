"""Relations in memory: for the embedded pipeline, and the reference for Cassandra's."""

from collections.abc import Collection, Iterator, Sequence
from heapq import nsmallest
from itertools import islice

from schemas.canonical import Canonical
from schemas.events import FollowFact
from schemas.ids import ListId, PostId, UserId, Version
from services.relations.edges import edge_fact
from services.relations.lists import (
    ListClaim,
    OwnedList,
    first_cell,
    first_claim,
    list_rules,
    member_order,
)
from services.relations.mutation import (
    ACCOUNTS,
    MAX_CELLS,
    RelationMutation,
    Subject,
    SubjectKind,
    as_stated,
    both_sides,
)
from services.relations.relations import (
    Edge,
    ReadMark,
    ReadMarks,
    RelationRow,
    Relations,
    Relationship,
    ended_at,
    marks_from_rows,
    read_marks,
    relations_from_rows,
)
from services.relations.store import MAX_ROWS, Pair, SubjectPage, SubjectPlace
from services.scan import ScanPage, scan_ids


class _Cells:
    """State of one subject."""

    def __init__(self) -> None:
        self.removed: tuple[Version, bool] = (Version(-1), False)
        self.cells: dict[int, tuple[Version, Canonical]] = {}

    def merge(self, mutation: RelationMutation) -> None:
        self.removed = max(self.removed, (mutation.version, mutation.removed))
        for place, value in enumerate(mutation.cells):
            if value is not None:
                cell = (mutation.version, value)
                self.cells[place] = max(self.cells.get(place, cell), cell)

    @property
    def is_present(self) -> bool:
        return not self.removed[1]

    def values(self) -> list[Canonical | None]:
        return [self.cells[place][1] if place in self.cells else None for place in range(MAX_CELLS)]


class MemoryRelations:
    """A RelationStore in this process."""

    def __init__(self) -> None:
        self._subjects: dict[tuple[UserId, bool, int], dict[Subject, _Cells]] = {}
        self._others: dict[UserId, set[UserId]] = {}
        self._claims: dict[ListId, dict[UserId, ListClaim]] = {}
        self._members: dict[ListId, set[UserId]] = {}

    async def record(self, mutations: Sequence[RelationMutation]) -> None:
        for mutation in mutations:
            for each in both_sides(mutation):
                self._subject(each.subject).merge(each)
            self._index(mutation)

    async def about(self, owner: UserId, others: Collection[UserId]) -> Relations:
        people = dict.fromkeys((UserId(0), *others))
        return relations_from_rows(
            owner, (row for each in people for row in self._rows(owner, each))
        )

    async def marks(self, owner: UserId, posts: Collection[PostId]) -> ReadMarks:
        asked = dict.fromkeys(posts)
        return marks_from_rows(
            row for each in asked for row in self._rows(owner, each, threads=True)
        )

    async def thread_marks(
        self, owner: UserId, *, after: tuple[PostId, int], limit: int
    ) -> list[ReadMark]:
        rows = (
            row
            for by, threads, post in list(self._subjects)
            if by == owner and threads
            for row in self._rows(owner, post, threads=True)
        )
        found = sorted(mark for mark in read_marks(rows) if mark[:2] > after)
        return found[:limit]

    async def suspended(self, users: Collection[UserId]) -> set[UserId]:
        return self._accounts(users, ACCOUNTS)

    async def erased(self, users: Collection[UserId]) -> set[UserId]:
        return self._accounts(users, (SubjectKind.ERASED,))

    async def subjects(self, owner: UserId, after: SubjectPlace | None, limit: int) -> SubjectPage:
        held = sorted(
            each
            for place, subjects in self._subjects.items()
            for each in subjects
            if place[0] == owner and each.kind not in ACCOUNTS
        )
        later = [each for each in held if after is None or tuple(each) > tuple(after)]
        found = [as_stated(each) for each in later[:limit]]
        return SubjectPage(found, later[limit - 1] if len(later) > limit else None)

    async def erase(self, mutations: Sequence[RelationMutation]) -> None:
        for mutation in mutations:
            if mutation.subject.kind in ACCOUNTS:
                continue
            if mutation.subject.kind is SubjectKind.LIST:
                self._index(mutation)
            for each in both_sides(mutation):
                self._subjects.get(_place(each.subject), {}).pop(each.subject, None)

    async def erase_owner(self, owner: UserId) -> None:
        for place, subjects in self._subjects.items():
            if place[0] == owner:
                for each in [each for each in subjects if each.kind not in ACCOUNTS]:
                    del subjects[each]

    async def blocked_pairs(self, pairs: Collection[Pair]) -> set[Pair]:
        return {(one, two) for one, two in pairs if self._between(one, two).blocked}

    async def followed_pairs(self, pairs: Collection[Pair]) -> set[Pair]:
        return {(one, two) for one, two in pairs if self._between(one, two).edge is not None}

    async def others(
        self, owner: UserId, kind: SubjectKind, *, after: UserId, limit: int
    ) -> dict[UserId, Relationship]:
        later = sorted(other for other in self._others.get(owner, ()) if other > after)
        found = ((other, self._between(owner, other)) for other in later)
        return dict(islice((each for each in found if each[1].has(kind)), limit))

    async def followees(self, owner: UserId, *, after: UserId, limit: int) -> list[Edge]:
        found = await self.others(owner, SubjectKind.FOLLOW, after=after, limit=limit)
        return [between.edge for between in found.values() if between.edge is not None]

    async def stated_followees(self, owner: UserId, limit: int) -> list[UserId]:
        followed = (
            other
            for other in sorted(self._others.get(owner, ()))
            for each, cells in self._subjects.get((owner, False, other), {}).items()
            if each.kind is SubjectKind.FOLLOW and cells.is_present
        )
        return list(islice(followed, limit))

    async def edge_facts(self, owner: UserId, *, after: UserId, limit: int) -> list[FollowFact]:
        later = sorted(other for other in self._others.get(owner, ()) if other > after)
        facts = (fact for other in later for fact in self._edge_facts(owner, other))
        return list(islice(facts, limit))

    async def owners(self, token: int, limit: int) -> ScanPage[UserId]:
        owners = (
            owner
            for (owner, threads, _), subjects in self._subjects.items()
            if not threads and any(each.kind is not SubjectKind.BLOCKED_BY for each in subjects)
        )
        return scan_ids(owners, token, limit)

    async def list_of(self, list_id: ListId) -> OwnedList | None:
        owner = self._first_owner(list_id)
        if owner is None:
            return None
        subject = Subject(owner, SubjectKind.LIST, item=str(list_id))
        cells = self._subjects.get(_place(subject), {}).get(subject, _Cells())
        replies, exclusive, _, reposts, *_ = cells.values()
        if not cells.is_present or replies is None or exclusive is None:
            return None
        return OwnedList(owner, list_rules(replies, exclusive, reposts))

    async def members(self, list_id: ListId, *, after: UserId, limit: int) -> list[UserId]:
        start = member_order(after)
        later = (each for each in self._members.get(list_id, ()) if member_order(each) > start)
        found = await self.memberships([list_id], list(later))
        return sorted((member for _, member in found), key=member_order)[:limit]

    async def memberships(
        self, lists: Collection[int], users: Collection[UserId]
    ) -> set[tuple[ListId, UserId]]:
        return {
            (list_id, user)
            for list_id in map(ListId, lists)
            if (owned := await self.list_of(list_id)) is not None
            for user in users
            if list_id in self._between(owned.owner_id, user).lists
        }

    def _subject(self, subject: Subject) -> _Cells:
        return self._subjects.setdefault(_place(subject), {}).setdefault(subject, _Cells())

    def _accounts(self, users: Collection[UserId], kinds: Collection[SubjectKind]) -> set[UserId]:
        return {
            user
            for user in users
            for _, kind, _, removed, *_ in self._rows(user, 0)
            if kind in kinds and removed
        }

    def _index(self, mutation: RelationMutation) -> None:
        owner, kind, other, item = mutation.subject
        if other and not mutation.subject.is_thread:
            self._others.setdefault(owner, set()).add(UserId(other))
        if kind is SubjectKind.LIST_MEMBER:
            self._members.setdefault(ListId(int(item)), set()).add(UserId(other))
        if kind is SubjectKind.LIST and mutation.cells:
            claim = ListClaim(mutation.version, owner)
            claims = self._claims.setdefault(ListId(int(item)), {})
            claims[owner] = min(claims.get(owner, claim), claim)

    def _rows(self, owner: UserId, other: int, *, threads: bool = False) -> Iterator[RelationRow]:
        subjects = self._subjects.get((owner, threads, other), {})
        places = subjects if other else nsmallest(MAX_ROWS, subjects, key=_name)
        for subject in places:
            merged = subjects[subject]
            version, removed = merged.removed
            cells = merged.values()
            if subject.kind is SubjectKind.LIST:
                claimed = self._first_owner(ListId(int(subject.item)))
                cells[2] = None if claimed is None else first_cell(claimed)
            yield (other, subject.kind, subject.item, removed, version, *cells)

    def _edge_facts(self, owner: UserId, other: UserId) -> Iterator[FollowFact]:
        """One fact, or none where there never was an edge."""
        rows = list(self._rows(owner, other))
        blocks = (SubjectKind.BLOCK, SubjectKind.BLOCKED_BY)
        ended = max((ended_at(row[5]) for row in rows if row[1] in blocks), default=Version(-1))
        for _, kind, _, removed, version, *cells in rows:
            if kind is SubjectKind.FOLLOW:
                yield edge_fact((owner, other), version, cells, removed=removed, ended=ended)

    def _between(self, owner: UserId, other: UserId) -> Relationship:
        rows = [*self._rows(owner, 0), *self._rows(owner, other)]
        return relations_from_rows(owner, rows).to(other)

    def _first_owner(self, list_id: ListId) -> UserId | None:
        claims = self._claims.get(list_id)
        return None if claims is None else first_claim(claims.values()).owner_id


def _name(subject: Subject) -> tuple[SubjectKind, str]:
    return subject.kind, subject.item


def _place(subject: Subject) -> tuple[UserId, bool, int]:
    return subject.owner_id, subject.is_thread, subject.other_id
