"""How a post is brought to its author's followers: a pure function of their estimated number."""

from collections.abc import Iterator
from typing import NamedTuple

from schemas.ids import SLOTS
from schemas.requests import DeliverBulkPage, DeliverPage
from services.handlers.link_reposts import FanOutPost

FOLLOWERS_A_PAGE = 4_000
"""A page is one message: enough rows to make its cost vanish, few enough to be done in 20 ms."""
MAX_PAGES = 16_384
"""65 million followers in pages of 4,000; more would only make the pages longer."""
BULK_FOLLOWERS = 20_000
"""Five pages, a tenth of a second of the store: what others may have to wait for in one lane."""

PULL_FOLLOWERS = 2_000_000
"""Ten seconds of the store for each post; docs/decisions/008-pulled-authors.md has the rule."""


class FanOutPolicy(NamedTuple):
    """From how many followers on an author is brought to them in another way than the others.

    `bulk_followers`: in the bulk lane, where nobody else waits behind him; `pull_followers`: not at
    all, for they pull what he writes when they read. 0 is for none.
    """

    bulk_followers: int = BULK_FOLLOWERS
    pull_followers: int = PULL_FOLLOWERS

    def is_bulk(self, followers: int) -> bool:
        return 0 < self.bulk_followers <= followers

    def is_pulled(self, post: FanOutPost, followers: int) -> bool:
        """Not what is dated before what it reposts, where readers would not look for it."""
        backdated = post.original_id is not None and post.post_id < post.original_id
        return 0 < self.pull_followers <= followers and not backdated


def fan_out_pages(post: FanOutPost, followers: int, policy: FanOutPolicy) -> Iterator[DeliverPage]:
    """The pages that bring a post to some so many followers; none where there is no follower."""
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
    """Slot ranges [from, to) that together cover every slot, in order.

    Their number is a power of two, so that a range is a run of whole timeline shards.
    """
    wanted = -(-followers // FOLLOWERS_A_PAGE)
    count = 1
    while count < wanted and count < MAX_PAGES:
        count *= 2
    width = SLOTS // count
    return [(start, start + width) for start in range(0, SLOTS, width)]
