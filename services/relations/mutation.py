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

Fact: TypeAlias = FollowFact | RelationFact


class Kind(IntEnum):
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


ABOUT_THREADS = frozenset({Kind.THREAD_MUTE, Kind.READ, Kind.SET_ASIDE})
"""Of these the other is a post, 0 for the home timeline; of the rest a person, 0 for oneself."""
MAX_CELLS = 5
"""The most that a kind has."""


class Subject(NamedTuple):
    """What a message is about: versions are compared among those of one subject."""

    owner_id: UserId
    kind: Kind
    other_id: int = 0
    item: str = ""  # which list, keyword or tag


class Mutation(NamedTuple):
    """What one message writes. A removal writes no cells."""

    subject: Subject
    version: Version
    removed: bool
    cells: tuple[Canonical, ...] = ()


class _Form(NamedTuple):
    """Which fields of a message are the other, the item and the cells."""

    kind: Kind
    other: str | None = None
    item: str | None = None
    cells: tuple[str, ...] = ()


FOLLOW_CELLS = ("replies", "reposts", "bare_links", "languages")
KEYWORD_CELLS = ("phrase", "whole_word", "contexts", "action", "expires_at")
_FORMS: Mapping[str, _Form] = {
    "follow": _Form(Kind.FOLLOW, "followee_id", cells=FOLLOW_CELLS),
    "block": _Form(Kind.BLOCK, "target_id", cells=("version",)),  # outlives the end of the block
    "mute": _Form(Kind.MUTE, "target_id", cells=("scope", "expires_at")),
    "list_member": _Form(Kind.LIST_MEMBER, "member_id", "list_id"),
    "settings": _Form(Kind.SETTINGS, cells=("bare_links",)),
    "keyword_mute": _Form(Kind.KEYWORD_MUTE, item="keyword_id", cells=KEYWORD_CELLS),
    "list": _Form(Kind.LIST, item="list_id", cells=("replies", "exclusive")),
    "tag_follow": _Form(Kind.TAG_FOLLOW, item="tag"),
    "account": _Form(Kind.ACCOUNT),
    "thread_mute": _Form(Kind.THREAD_MUTE, "root_id"),
}
_MARKS = {"home": Kind.READ, "conversation": Kind.READ, "unanswered": Kind.SET_ASIDE}
_REMOVALS = {"deleted", "removed", "suspended", "erased"}
_DEFAULTS_OF = {(Kind.LIST, "replies"): "list_replies"}
"""Where a field has another default than the field of that name elsewhere."""


def mutation(fact: Fact) -> Mutation:
    """What a message writes."""
    about = subject(fact)
    version = Version(fact.version)
    if isinstance(fact, ReadMarked):
        return Mutation(about, version, removed=False, cells=(canonical_id(fact.up_to),))
    noun, _, verb = _tag(fact).partition(".")
    if verb in _REMOVALS:
        return Mutation(about, version, removed=True)
    said = ((name, getattr(fact, name)) for name in _FORMS[noun].cells)
    cells = (canonical(_DEFAULTS_OF.get((about.kind, name), name), value) for name, value in said)
    return Mutation(about, version, removed=False, cells=tuple(cells))


def subject(fact: Fact) -> Subject:
    """What a message is about."""
    if isinstance(fact, ReadMarked):
        place, _, post = fact.what.partition(":")
        return Subject(UserId(fact.owner_id), _MARKS[place], int(post or 0))
    noun, _, verb = _tag(fact).partition(".")
    form = _FORMS[noun]
    owner: int = getattr(fact, "follower_id" if form.kind is Kind.FOLLOW else "owner_id")
    item = "" if form.item is None else str(getattr(fact, form.item))
    return Subject(
        UserId(owner),
        Kind.ERASED if verb == "erased" else form.kind,
        0 if form.other is None else getattr(fact, form.other),
        normal_tag(item) if form.kind is Kind.TAG_FOLLOW else item,
    )


def both_sides(said: Mutation) -> tuple[Mutation, ...]:
    """A message as it is kept: a block also with its target, who so finds it with his own."""
    owner, kind, other, _ = said.subject
    if kind is not Kind.BLOCK:
        return (said,)
    return said, said._replace(subject=Subject(UserId(other), Kind.BLOCKED_BY, owner))


def _tag(fact: Fact) -> str:
    return str(fact.__struct_config__.tag)
