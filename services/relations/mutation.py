"""What one message about people writes: cells that merge whatever the order of the messages.

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
    """What is said. The numbers are stored, so they never change."""

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
    THREAD_MUTE = 32
    READ = 33
    SET_ASIDE = 34


ABOUT_THREADS = frozenset({SubjectKind.THREAD_MUTE, SubjectKind.READ, SubjectKind.SET_ASIDE})
"""Of these the other is a post, 0 for the home timeline; of the rest a person, 0 for oneself."""
MAX_CELLS = 5
"""The most that a kind has."""


class Subject(NamedTuple):
    """What a message is about: versions are compared among those of one subject."""

    owner_id: UserId
    kind: SubjectKind
    other_id: int = 0
    item: str = ""  # which list, keyword or tag


class RelationMutation(NamedTuple):
    """What one message writes. A removal writes no cells."""

    subject: Subject
    version: Version
    removed: bool
    cells: tuple[Canonical, ...] = ()


class _Form(NamedTuple):
    """Which fields of a message are the other, the item and the cells."""

    kind: SubjectKind
    other: str | None = None
    item: str | None = None
    cells: tuple[str, ...] = ()


FOLLOW_CELLS = ("replies", "reposts", "bare_links", "languages")
KEYWORD_CELLS = ("phrase", "whole_word", "contexts", "action", "expires_at")
_FORMS: Mapping[str, _Form] = {
    "follow": _Form(SubjectKind.FOLLOW, "followee_id", cells=FOLLOW_CELLS),
    "block": _Form(
        SubjectKind.BLOCK, "target_id", cells=("version",)
    ),  # outlives the end of the block
    "mute": _Form(SubjectKind.MUTE, "target_id", cells=("scope", "expires_at")),
    "list_member": _Form(SubjectKind.LIST_MEMBER, "member_id", "list_id"),
    "settings": _Form(SubjectKind.SETTINGS, cells=("bare_links",)),
    "keyword_mute": _Form(SubjectKind.KEYWORD_MUTE, item="keyword_id", cells=KEYWORD_CELLS),
    "list": _Form(SubjectKind.LIST, item="list_id", cells=("replies", "exclusive")),
    "tag_follow": _Form(SubjectKind.TAG_FOLLOW, item="tag"),
    "account": _Form(SubjectKind.ACCOUNT),
    "thread_mute": _Form(SubjectKind.THREAD_MUTE, "root_id"),
}
_MARKS = {
    "home": SubjectKind.READ,
    "conversation": SubjectKind.READ,
    "unanswered": SubjectKind.SET_ASIDE,
}
_REMOVALS = {"deleted", "removed", "suspended", "erased"}
_DEFAULTS_OF = {(SubjectKind.LIST, "replies"): "list_replies"}
"""Where a field has another default than the field of that name elsewhere."""


def relation_mutation(fact: RelationshipFact) -> RelationMutation:
    """What a message writes."""
    about = subject(fact)
    version = Version(fact.version)
    if isinstance(fact, ReadMarked):
        return RelationMutation(about, version, removed=False, cells=(canonical_id(fact.up_to),))
    noun, _, verb = _tag(fact).partition(".")
    if verb in _REMOVALS:
        return RelationMutation(about, version, removed=True)
    said = ((name, getattr(fact, name)) for name in _FORMS[noun].cells)
    cells = (canonical(_DEFAULTS_OF.get((about.kind, name), name), value) for name, value in said)
    return RelationMutation(about, version, removed=False, cells=tuple(cells))


def subject(fact: RelationshipFact) -> Subject:
    """What a message is about."""
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


def both_sides(said: RelationMutation) -> tuple[RelationMutation, ...]:
    """A message as it is kept: a block also with its target, who so finds it with his own."""
    owner, kind, other, _ = said.subject
    if kind is not SubjectKind.BLOCK:
        return (said,)
    return said, said._replace(subject=Subject(UserId(other), SubjectKind.BLOCKED_BY, owner))


def _tag(fact: RelationshipFact) -> str:
    return str(fact.__struct_config__.tag)
