"""Lists by their ids: an id belongs to whoever made the list first."""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from schemas.canonical import Canonical, value_of
from schemas.ids import MAX_ID, SLOTS, UserId, Version, slot
from schemas.relations import ListReplies

PARTS = 4
"""Parts of a list's members, each a range of slots: 10 MB for a list of a million."""


class ListClaim(NamedTuple):
    """The lowest version at which an owner made a list of some id."""

    version: Version
    owner_id: UserId


class ListRules(msgspec.Struct, frozen=True):
    """Options that a list's owner set for it."""

    replies: ListReplies = "list"
    exclusive: bool = False
    reposts: bool = True


class OwnedList(msgspec.Struct, frozen=True):
    """A list that exists now, and its owner."""

    owner_id: UserId
    rules: ListRules


def first_claim(claims: Iterable[ListClaim]) -> ListClaim:
    """Return the claim that has the id: the lowest version, then the lowest owner."""
    return min(claims)


def first_cell(owner: UserId) -> Canonical:
    """Encode a list's first owner: at equal versions the larger bytes are the lower owner."""
    return b"%019d" % (MAX_ID - owner)


def first_owner(cell: Canonical) -> UserId:
    """Decode a list's first owner."""
    return UserId(MAX_ID - int(cell))


def list_rules(replies: Canonical, exclusive: Canonical, reposts: Canonical | None) -> ListRules:
    """Decode the rules of a list; one that was written before `reposts` takes them."""
    return ListRules(
        value_of(replies), value_of(exclusive), True if reposts is None else value_of(reposts)
    )


def part_of(member: int) -> int:
    """Return the part of a list that a member is in."""
    return slot(member) * PARTS // SLOTS


def member_order(member: int) -> tuple[int, int]:
    """Return the sort key that members are listed by; 0 comes before them all."""
    return (part_of(member) if member else 0), member
