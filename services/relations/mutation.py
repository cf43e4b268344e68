"""What one message about users writes: cells that merge in any order of the messages.

The highest version has each cell; at equal versions `removed` falls to true, and the others, one by
one, to the larger bytes. Two things stand apart from that: an erasure is final, and a list's id
belongs to the owner of its lowest creation (`services.relations.lists`).
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import NamedTuple, TypeAlias

from schemas.canonical import Canonical, canonical, canonical_id
from schemas.events import FollowFact
from schemas.ids import UserId, Version
from schemas.relations import ReadMarked, RelationFact
from schemas.tags import normal_tag

RelationshipFact: TypeAlias = FollowFact | RelationFact


class SubjectKind(IntEnum):
    """The kinds of statements. The numbers are stored, so they never change."""

    FOLLOW = 1
    BLOCK = 2
    BLOCKED_BY = 3  # a block, from its target's side
    MUTE = 4
    LIST_MEMBER = 5
    SETTINGS = 16
    KEYWORD_MUTE = 17
    LIST = 18
    TAG_FOLLOW = 19
    ACCOUNT = 20  # removed: suspended
    ERASED = 21
    MUTES_THREADS = 22  # the owner once muted a thread everywhere
    THREAD_MUTE = 32
    READ = 33
    SET_ASIDE = 34


ABOUT_THREADS = frozenset({SubjectKind.THREAD_MUTE, SubjectKind.READ, SubjectKind.SET_ASIDE})
"""Kinds whose other is a post; 0 is the home timeline, whose mark is among the owner's settings."""
ACCOUNTS = frozenset({SubjectKind.ACCOUNT, SubjectKind.ERASED})
"""Kinds that say what became of an account."""
MAX_CELLS = 5
"""The most cells of any kind."""


class Subject(NamedTuple):
    """Subject of a message: versions are compared among those of one subject."""

    owner_id: UserId
    kind: SubjectKind
    other_id: int = 0
    item: str = ""  # which list, keyword or tag

    @property
    def is_thread(self) -> bool:
        """Whether it is a post; else it is a user, or the owner's own settings."""
        return self.kind in ABOUT_THREADS and self.other_id != 0


class RelationMutation(NamedTuple):
    """Cells that one message writes, None for one that it leaves. A removal writes no cells."""

    subject: Subject
    version: Version
    removed: bool
    cells: tuple[Canonical | None, ...] = ()


class _Form(NamedTuple):
    """Fields of a message that are the other, the item and the cells, None for no field."""

    kind: SubjectKind
    other: str | None = None
    item: str | None = None
    cells: tuple[str | None, ...] = ()


FOLLOW_CELLS = ("replies", "reposts", "bare_links", "languages")
KEYWORD_CELLS = ("phrase", "whole_word", "contexts", "action", "expires_at")
LIST_CELLS = ("replies", "exclusive", None, "reposts")
"""The third cell of a list is its first owner, which stores write."""
_FORMS: Mapping[str, _Form] = {
    "follow": _Form(SubjectKind.FOLLOW, "followee_id", cells=FOLLOW_CELLS),
    "block": _Form(
        SubjectKind.BLOCK, "target_id", cells=("version",)
    ),  # outlives the end of the block
    "mute": _Form(SubjectKind.MUTE, "target_id", cells=("scope", "expires_at")),
    "list_member": _Form(SubjectKind.LIST_MEMBER, "member_id", "list_id"),
    "settings": _Form(SubjectKind.SETTINGS, cells=("bare_links",)),
    "keyword_mute": _Form(SubjectKind.KEYWORD_MUTE, item="keyword_id", cells=KEYWORD_CELLS),
    "list": _Form(SubjectKind.LIST, item="list_id", cells=LIST_CELLS),
    "tag_follow": _Form(SubjectKind.TAG_FOLLOW, item="tag"),
    "account": _Form(SubjectKind.ACCOUNT),
    "thread_mute": _Form(SubjectKind.THREAD_MUTE, "root_id", cells=("everywhere",)),
}
_MARKS = {
    "home": SubjectKind.READ,
    "conversation": SubjectKind.READ,
    "unanswered": SubjectKind.SET_ASIDE,
}
_REMOVALS = {"deleted", "removed", "suspended", "erased"}
_DEFAULTS_OF = {(SubjectKind.LIST, "replies"): "list_replies"}
"""Fields whose default differs from that of their namesakes."""


def relation_mutation(fact: RelationshipFact) -> RelationMutation:
    """Return what a message writes."""
    about = subject(fact)
    version = Version(fact.version)
    if isinstance(fact, ReadMarked):
        return RelationMutation(about, version, removed=False, cells=(canonical_id(fact.up_to),))
    noun, _, verb = _tag(fact).partition(".")
    if verb in _REMOVALS:
        return RelationMutation(about, version, removed=True)
    cells = tuple(_cell(fact, about.kind, name) for name in _FORMS[noun].cells)
    return RelationMutation(about, version, removed=False, cells=cells)


def subject(fact: RelationshipFact) -> Subject:
    """Return what a message is about."""
    if isinstance(fact, ReadMarked):
        place, _, post = fact.what.partition(":")
        return Subject(UserId(fact.owner_id), _MARKS[place], int(post or 0))
    noun, _, verb = _tag(fact).partition(".")
    form = _FORMS[noun]
    owner: int = getattr(fact, "follower_id" if form.kind is SubjectKind.FOLLOW else "owner_id")
    item = "" if form.item is None else str(getattr(fact, form.item))
    return Subject(
        UserId(owner),
        SubjectKind.ERASED if verb == "erased" else form.kind,
        0 if form.other is None else getattr(fact, form.other),
        normal_tag(item) if form.kind is SubjectKind.TAG_FOLLOW else item,
    )


def both_sides(mutation: RelationMutation) -> tuple[RelationMutation, ...]:
    """Return what is kept of a mutation: a block also with its target, for their reads.

    Of an owner who mutes a thread everywhere, their settings tell, so that nobody else is asked for
    the threads of a page.
    """
    owner, kind, other, _ = mutation.subject
    if kind is SubjectKind.THREAD_MUTE and mutation.cells == (b"true",):
        mutes = Subject(owner, SubjectKind.MUTES_THREADS)
        return mutation, RelationMutation(mutes, mutation.version, removed=False)
    if kind is not SubjectKind.BLOCK:
        return (mutation,)
    target_side = Subject(UserId(other), SubjectKind.BLOCKED_BY, owner)
    return mutation, mutation._replace(subject=target_side)


def _cell(fact: RelationshipFact, kind: SubjectKind, name: str | None) -> Canonical | None:
    if name is None:
        return None
    return canonical(_DEFAULTS_OF.get((kind, name), name), getattr(fact, name))


def as_stated(subject: Subject) -> Subject:
    """Return a kept subject as it was stated: a block from its target's side is its owner's."""
    if subject.kind is not SubjectKind.BLOCKED_BY:
        return subject
    return Subject(UserId(subject.other_id), SubjectKind.BLOCK, subject.owner_id)


def _tag(fact: RelationshipFact) -> str:
    return str(fact.__struct_config__.tag)
