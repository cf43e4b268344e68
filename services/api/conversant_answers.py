"""The JSON of whom a user talks with and whom they might follow."""

from collections.abc import Iterable
from typing import Annotated

from msgspec import Meta, Struct

from services.api.answers import IdText
from services.readers.acquaintances import MAX_IN_COMMON, Conversant, ConversantReason


class ConversantItem(Struct, frozen=True):
    """Somebody whom the user talks with or, with `follow`, whom they might follow.

    `in_common` are people whom the user talks with and who exchange replies with this person.
    """

    user_id: IdText
    follow: bool
    reason: ConversantReason
    in_common: Annotated[list[IdText], Meta(max_length=MAX_IN_COMMON)]


class ConversantListing(Struct, frozen=True):
    """Whom the user talks with, most first, then whom to follow, 50 at most."""

    items: list[ConversantItem]


def conversant_listing(found: Iterable[Conversant]) -> ConversantListing:
    """Return conversants to answer with."""
    return ConversantListing(
        [
            ConversantItem(
                str(each.user_id), each.follow, each.reason, [str(one) for one in each.in_common]
            )
            for each in found
        ]
    )
