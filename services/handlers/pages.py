"""Plans the fan-out of a post: a pure function of its author's estimated follower count."""

from collections.abc import Iterator
from typing import NamedTuple

from schemas.ids import SLOTS
from schemas.requests import DeliverBulkPage, DeliverPage
from services.handlers.link_reposts import FanOutPost

FOLLOWERS_A_PAGE = 4_000
"""A page is one message: enough rows to outweigh its overhead, few enough to write in 20 ms."""
MAX_PAGES = 16_384
"""65 million followers in pages of 4,000; beyond that the pages get longer."""
BULK_FOLLOWERS = 20_000
"""Five pages, a tenth of a second of the store: the longest that others should wait in a lane."""

PULL_FOLLOWERS = 2_000_000
"""Ten seconds of the store for each post. docs/decisions/008-pulled-authors.md has the rule."""


class FanOutPolicy(NamedTuple):
    """The follower counts from which an author's posts take another way than the push lane.

    From `bulk_followers` on they use the bulk lane, where other authors do not wait for them. From
    `pull_followers` on they are not pushed: followers pull them when they read. 0 turns either off.
    Of the pages of the push lane, whoever records a batch of posts delivers up to
    `entries_at_once` home entries itself.
    """

    bulk_followers: int = BULK_FOLLOWERS
    pull_followers: int = PULL_FOLLOWERS
    entries_at_once: int = 0

    def is_bulk(self, followers: int) -> bool:
        """Whether the bulk lane delivers the posts of an author with so many followers."""
        return 0 < self.bulk_followers <= followers

    def is_pulled(self, post: FanOutPost, followers: int) -> bool:
        """Whether readers pull the post of an author with so many followers.

        A repost dated before its original is pushed, since readers would not find it.
        """
        backdated = post.original_id is not None and post.post_id < post.original_id
        return 0 < self.pull_followers <= followers and not backdated


def fan_out_pages(post: FanOutPost, followers: int, policy: FanOutPolicy) -> Iterator[DeliverPage]:
    """Yield the pages that deliver a post to about so many followers; none for no followers."""
    page = DeliverBulkPage if policy.is_bulk(followers) else DeliverPage
    ranges = slot_ranges(followers) if followers else ()
    for start, end in ranges:
        yield page(
            post_id=post.post_id,
            author_id=post.author_id,
            slot_from=start,
            slot_to=end,
            accepted_at=max(0, post.accepted_at),
            entries=followers // len(ranges),
            original_id=post.original_id,
        )


def slot_ranges(followers: int) -> list[tuple[int, int]]:
    """Return slot ranges [from, to) that together cover every slot, in order.

    Their number is a power of two, so that each range is a run of whole timeline shards.
    """
    needed = -(-followers // FOLLOWERS_A_PAGE)
    count = 1
    while count < needed and count < MAX_PAGES:
        count *= 2
    width = SLOTS // count
    return [(start, start + width) for start in range(0, SLOTS, width)]
