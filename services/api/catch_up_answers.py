"""What is new in a home, as the API answers with it."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from schemas.ids import PostId, UserId
from services.api.answers import IdText, Item, Time, item
from services.readers.catch_up import CatchUpSummary


class NewConversation(Struct, frozen=True, tag_field="kind", tag="conversation"):
    """New posts of a conversation, oldest first, and who wrote new ones, the latest first."""

    root_id: IdText
    posts: list[Item]
    participants: list[IdText]


class NewBroadcasts(Struct, frozen=True, tag_field="kind", tag="broadcasts"):
    """An author's new posts to nobody in particular: send `cursor` as `before` to their page."""

    author_id: IdText
    count: Annotated[int, Meta(ge=1)]
    cursor: str


class CatchUp(Struct, frozen=True):
    """News of a home since a time, conversations first, in up to 100 lines.

    `folded` counts the posts of others that no conversation here has. With `more` there were older
    ones that nobody looked at.
    """

    items: list[NewConversation | NewBroadcasts]
    folded: Annotated[int, Meta(ge=0)]
    since: Time
    more: bool
    state: Literal["ready", "building"]


def catch_up_answer(found: CatchUpSummary, cursor: Callable[[UserId, PostId], str]) -> CatchUp:
    """Return what is new to answer with; `cursor` leads to an author's page from a post on."""
    conversations = [
        NewConversation(
            str(line.root_id),
            [item(post) for post in line.posts],
            [str(each) for each in line.participants],
        )
        for line in found.conversations
    ]
    broadcasts = [
        NewBroadcasts(str(author), count, cursor(author, newest))
        for author, count, newest in found.broadcasts
    ]
    return CatchUp(
        [*conversations, *broadcasts],
        found.folded,
        datetime.fromtimestamp(found.since / 1_000, UTC),
        found.more,
        "building" if found.building else "ready",
    )
