"""Requests that handlers send to other handlers. Handling one again changes nothing."""

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

    `slot_from` is in, `slot_to` is out; the pages of a post together cover 0 to SLOTS.
    `accepted_at` is when Kafka accepted the post, in milliseconds since the Unix epoch. `entries`
    estimates the entries to write and decides only how many pages are handled at a time.
    `original_id` is the original of a repost, if it is known.
    """

    post_id: Id
    author_id: Id
    slot_from: SlotBound
    slot_to: SlotBound
    accepted_at: Annotated[int, Meta(ge=0)]
    entries: Annotated[int, Meta(ge=0)] = 0
    original_id: Id | None = None


class DeliverBulkPage(DeliverPage, frozen=True, kw_only=True, tag="bulk_page.deliver"):
    """A page for the bulk lane: its author has so many followers that other pages would wait."""


class BackfillFollow(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="follow.backfill"
):
    """Write the followee's posts within the retention into the follower's home timeline."""

    follower_id: Id
    followee_id: Id


Request: TypeAlias = DeliverPage | DeliverBulkPage | BackfillFollow
