"""Work we ask of ourselves, in the imperative. Each may be done any number of times."""

from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

from schemas.events import Id
from schemas.ids import SLOTS

SlotBound: TypeAlias = Annotated[int, Meta(ge=0, le=SLOTS)]


class DeliverPage(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag_field="type",
    tag="page.deliver",
):
    """Write the post into the home timelines of the author's followers in a slot range.

    `slot_from` is in, `slot_to` is out; the pages of a post cover 0 to SLOTS together.
    `accepted_at` is when Kafka accepted the post, milliseconds since the Unix epoch. `entries` is
    about how many there are to write, which decides only how much is done at a time. `original_id`
    is what a repost is a repost of, where that is known.
    """

    post_id: Id
    author_id: Id
    slot_from: SlotBound
    slot_to: SlotBound
    accepted_at: Annotated[int, Meta(ge=0)]
    entries: Annotated[int, Meta(ge=0)] = 0
    original_id: Id | None = None


class DeliverBulkPage(DeliverPage, frozen=True, kw_only=True, tag="bulk_page.deliver"):
    """The same, of an author with so many followers that no others are to wait behind him."""


class BackfillFollow(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="follow.backfill"
):
    """Write what the followee wrote within the retention into the follower's home timeline."""

    follower_id: Id
    followee_id: Id


Request: TypeAlias = DeliverPage | DeliverBulkPage | BackfillFollow
