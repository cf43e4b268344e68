"""How a viewer stands to others, and their own settings: plain values from stored rows."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from heapq import nsmallest
from typing import Any, NamedTuple, TypeAlias, TypeVar

import msgspec

from schemas.canonical import Canonical, id_of, value_of
from schemas.events import Replies
from schemas.ids import KeywordId, ListId, PostId, UserId, Version
from schemas.relations import Context, MuteAction, Scope
from schemas.tags import normal_tag
from services.relations.lists import ListRules, first_owner, list_rules
from services.relations.mutation import SubjectKind
from services.words import normal_line

Cell: TypeAlias = Canonical | None
Name = TypeVar("Name", int, ListId, str)
MAX_OWN = 1_000
"""Keyword mutes of a user that count, and lists, and followed tags."""
MEMORIZED = 8_192
"""Decoded options and keyword mutes that are kept, 4 MB: nearly all follow edges share a few."""

_FOLLOW, _BLOCK, _BLOCKED_BY, _MUTE = map(
    int, (SubjectKind.FOLLOW, SubjectKind.BLOCK, SubjectKind.BLOCKED_BY, SubjectKind.MUTE)
)
_LIST_MEMBER, _LIST, _MUTES_THREADS = map(
    int, (SubjectKind.LIST_MEMBER, SubjectKind.LIST, SubjectKind.MUTES_THREADS)
)
_SETTINGS, _KEYWORD_MUTE, _TAG_FOLLOW, _READ = map(
    int,
    (SubjectKind.SETTINGS, SubjectKind.KEYWORD_MUTE, SubjectKind.TAG_FOLLOW, SubjectKind.READ),
)
# Python 3.11 takes longer to look up a member of an enum than to read the rest of a row.


RelationRow: TypeAlias = tuple[Any, ...]
"""The result of all messages about one subject, as a store returns it: other_id, kind, item,
removed, the version of `removed`, and MAX_CELLS cells, None where none was written. `removed` is
None while only somebody else's claim of a list is known. The third cell of a LIST is its first
owner."""


class Edge(msgspec.Struct, frozen=True):
    """A follow edge that exists now, with its options."""

    follower_id: UserId
    followee_id: UserId
    version: Version
    replies: Replies = "followed"
    reposts: bool = True
    bare_links: bool | None = None
    languages: frozenset[str] = frozenset()


class Mute(msgspec.Struct, frozen=True):
    """A mute; the reader decides whether it has expired (microseconds since the Unix epoch)."""

    scope: Scope = "all"
    expires_at: int | None = None


class KeywordMute(msgspec.Struct, frozen=True, dict=True):
    """A keyword mute; no contexts mean all. It expires as a mute does."""

    keyword_id: KeywordId
    phrase: str
    whole_word: bool = True
    contexts: frozenset[Context] = frozenset()
    action: MuteAction = "hide"
    expires_at: int | None = None

    @cached_property
    def normal(self) -> str:
        """The phrase in the form in which texts are looked through."""
        return normal_line(self.phrase)


class ReadMark(NamedTuple):
    """The last post that somebody read of home (post 0), or of a conversation by its root (READ).

    Or the post up to which an unanswered one is set aside (SET_ASIDE). `version` is the mark's.
    """

    post_id: PostId
    kind: SubjectKind
    up_to: PostId
    version: Version


class OwnSettings(msgspec.Struct, frozen=True):
    """A user's own settings. `lists` are the lists that they own and that exist now.

    Of keyword mutes, lists and tags the first MAX_OWN by id or by name count, as every page of
    their owner works through all of them.

    Where `mutes_threads` is false, they never muted a thread everywhere.
    """

    bare_links: bool = True
    keyword_mutes: tuple[KeywordMute, ...] = ()
    tags: frozenset[str] = frozenset()
    lists: Mapping[ListId, ListRules] = {}
    mutes_threads: bool = False
    home_mark: ReadMark | None = None


class Relationship(msgspec.Struct, frozen=True):
    """How an owner stands to another user. An edge that a block has ended is no edge.

    `blocks`: the owner blocks the other; `blocked_by`: the other way round. `lists`: those of the
    owner's lists, there now, that the other is in.
    """

    edge: Edge | None = None
    blocks: bool = False
    blocked_by: bool = False
    mute: Mute | None = None
    lists: frozenset[ListId] = frozenset()

    @property
    def blocked(self) -> bool:
        """Whether there is a block in either direction."""
        return self.blocks or self.blocked_by

    def has(self, kind: SubjectKind) -> bool:
        """Whether the owner follows, blocks or mutes the other."""
        held = {
            SubjectKind.FOLLOW: self.edge,
            SubjectKind.BLOCK: self.blocks,
            SubjectKind.MUTE: self.mute,
        }
        return bool(held[kind])


STRANGER = Relationship()


class Relations(msgspec.Struct, frozen=True, dict=True):
    """How an owner stands to the users in a request; strangers are left out."""

    own: OwnSettings = OwnSettings()
    between: Mapping[UserId, Relationship] = {}

    def to(self, other: UserId) -> Relationship:
        """Return how the owner stands to a user of the request."""
        return self.between.get(other, STRANGER)

    @cached_property
    def blocked(self) -> frozenset[UserId]:
        """The users with a block between them and the owner, in either direction."""
        return frozenset(other for other, between in self.between.items() if between.blocked)

    @cached_property
    def muted(self) -> frozenset[UserId]:
        """The users that the owner mutes, or did until the mute expired."""
        return frozenset(other for other, between in self.between.items() if between.mute)

    @property
    def edges(self) -> dict[UserId, Edge]:
        """The owner's follow edges to the users of the request."""
        found = ((other, between.edge) for other, between in self.between.items())
        return {other: edge for other, edge in found if edge is not None}


class ReadMarks(msgspec.Struct, frozen=True):
    """How far an owner has read, and what they muted or set aside, for the posts of a request.

    `read` are the last posts read, by root; `set_aside` are unanswered posts, each with the post up
    to which it is so; `muted` are roots, and so are those muted `everywhere`.
    """

    read: Mapping[PostId, PostId] = {}
    set_aside: Mapping[PostId, PostId] = {}
    muted: frozenset[PostId] = frozenset()
    everywhere: frozenset[PostId] = frozenset()


def relations_from_rows(owner: UserId, rows: Iterable[RelationRow]) -> Relations:
    """Return what the rows about others, and about the owner, add up to."""
    rows_of: dict[int, list[RelationRow]] = {}
    for row in rows:
        rows_of.setdefault(row[0], []).append(row)
    own = _own(owner, rows_of.pop(0, []))
    found = {UserId(each): _between(owner, each, theirs, own) for each, theirs in rows_of.items()}
    return Relations(own, {each: how for each, how in found.items() if how is not STRANGER})


def marks_from_rows(rows: Iterable[RelationRow]) -> ReadMarks:
    """Return what the rows about threads add up to."""
    marked: dict[int, dict[PostId, PostId]] = {SubjectKind.READ: {}, SubjectKind.SET_ASIDE: {}}
    muted, everywhere = [], []
    for post, kind, _, removed, _, *cells in rows:
        if kind in marked:
            marked[kind][PostId(post)] = PostId(id_of(cells[0]) or 0)
        elif kind == SubjectKind.THREAD_MUTE and not removed:
            muted.append(PostId(post))
            if cells[0] is not None and value_of(cells[0]):
                everywhere.append(PostId(post))
    return ReadMarks(
        marked[SubjectKind.READ],
        marked[SubjectKind.SET_ASIDE],
        frozenset(muted),
        frozenset(everywhere),
    )


def read_marks(rows: Iterable[RelationRow]) -> list[ReadMark]:
    """Return the marks among rows about threads, in their order."""
    return [
        _read_mark(post, kind, version, cells)
        for post, kind, _, _, version, *cells in rows
        if kind in (SubjectKind.READ, SubjectKind.SET_ASIDE)
    ]


def ended_at(cell: Cell) -> Version:
    """Return the version up to which a block, present or not, has ended the edges of its pair."""
    return Version(-1 if cell is None else int(cell))


def _read_mark(post: int, kind: int, version: int, cells: Sequence[Cell]) -> ReadMark:
    up_to = PostId((None if cells[0] is None else id_of(cells[0])) or 0)
    return ReadMark(PostId(post), SubjectKind(kind), up_to, Version(version))


def _own(owner: UserId, rows: Iterable[RelationRow]) -> OwnSettings:
    bare_links = True
    keywords: dict[int, list[Any]] = {}
    lists: dict[ListId, list[Any]] = {}
    tags: dict[str, tuple[Version, bool]] = {}
    mutes_threads, home_mark = False, None
    for post, kind, item, removed, version, *cells in rows:
        if kind == _TAG_FOLLOW:  # an earlier release had another normal form
            tag, ended = normal_tag(item), (version, removed)
            tags[tag] = max(tags.get(tag, ended), ended)
        elif removed is not False:
            continue
        elif kind == _SETTINGS:
            bare_links = value_of(cells[0]) is not False
        elif kind == _KEYWORD_MUTE:
            keywords[int(item)] = cells
        elif kind == _MUTES_THREADS:
            mutes_threads = True
        elif kind == _READ:
            home_mark = _read_mark(post, kind, version, cells)
        elif kind == _LIST and first_owner(cells[2]) == owner:
            lists[ListId(int(item))] = [cells[0], cells[1], cells[3]]
    return OwnSettings(
        bare_links,
        tuple(_keyword_mute(str(each), *keywords[each]) for each in _first(keywords)),
        frozenset(_first(tag for tag, (_, removed) in tags.items() if not removed)),
        {each: list_rules(*lists[each]) for each in _first(lists)},
        mutes_threads,
        home_mark,
    )


def _first(names: Iterable[Name]) -> list[Name]:
    return nsmallest(MAX_OWN, names)


def _between(
    owner: UserId, other: int, rows: Iterable[RelationRow], own: OwnSettings
) -> Relationship:
    edge = mute = None
    blocks = blocked_by = False
    ended = -1
    lists = []
    for _, kind, item, removed, version, *cells in rows:
        if kind == _FOLLOW:
            edge = None if removed else (version, cells)
        elif kind == _BLOCK:
            blocks, ended = not removed, max(ended, ended_at(cells[0]))
        elif kind == _BLOCKED_BY:
            blocked_by, ended = not removed, max(ended, ended_at(cells[0]))
        elif removed:
            continue
        elif kind == _MUTE:
            mute = _mute(*cells[:2])
        elif kind == _LIST_MEMBER and (at := ListId(int(item))) in own.lists:
            lists.append(at)
    live = None
    if edge is not None and edge[0] > ended:
        live = Edge(owner, UserId(other), edge[0], *_follow_options(*edge[1][:4]))
    if live is None and mute is None and not (blocks or blocked_by or lists):
        return STRANGER
    return Relationship(live, blocks, blocked_by, mute, frozenset(lists))


@lru_cache(MEMORIZED)
def _follow_options(*cells: Canonical) -> tuple[Replies, bool, bool | None, frozenset[str]]:
    replies, reposts, bare_links, languages = map(value_of, cells)
    return replies, reposts, bare_links, frozenset(languages)


@lru_cache(MEMORIZED)
def _keyword_mute(item: str, *cells: Canonical) -> KeywordMute:
    phrase, whole_word, contexts, action, expires_at = map(value_of, cells)
    return KeywordMute(
        KeywordId(int(item)), phrase, whole_word, frozenset(contexts), action, expires_at
    )


@lru_cache(MEMORIZED)
def _mute(*cells: Canonical) -> Mute:
    return Mute(*map(value_of, cells))
