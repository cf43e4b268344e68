"""Conversations of an inbox as the API answers with them."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from schemas.ids import post_time
from services.api.answers import IdText, Time
from services.readers import conversations
from services.readers.conversations import MAX_COUNTED, MAX_PARTICIPANTS
from services.readers.paging import MAX_UNREAD


class ConversationItem(Struct, frozen=True):
    """A conversation in which the user and somebody else wrote, as the user may see it.

    `new` counts what others wrote since the user read it or, where there is no mark, since they
    wrote in it themself. Participants are the latest first and include the user. Both counts are
    exact to 100.
    """

    root_id: IdText
    last_activity_at: Time
    new: Annotated[int, Meta(ge=0, le=MAX_UNREAD)]
    participants: Annotated[list[IdText], Meta(min_length=2, max_length=MAX_PARTICIPANTS)]
    participant_count: Annotated[int, Meta(ge=2, le=MAX_COUNTED)]


class ConversationListing(Struct, frozen=True):
    """A page of conversations, the latest active first. Send `next` as `before`.

    What is written or deleted meanwhile moves conversations: a walk may give one again, or miss it.
    """

    items: list[ConversationItem]
    next: str | None
    prev: None = None
    gap: None = None
    state: Literal["ready"] = "ready"


def conversation(found: conversations.InboxConversation, epoch: int) -> ConversationItem:
    """Return a conversation to answer with."""
    active = datetime.fromtimestamp(post_time(found.last_post_id, epoch) / 1_000, UTC)
    return ConversationItem(
        root_id=str(found.root_id),
        last_activity_at=active,
        new=found.new,
        participants=[str(user) for user in found.participants],
        participant_count=found.participant_count,
    )
