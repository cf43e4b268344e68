"""How a post's fan-out is cut into pages: a pure function of the author's estimated followers."""

from schemas.ids import SLOTS

FOLLOWERS_A_PAGE = 4_000
"""A page is one message: enough rows to make its cost vanish, few enough to be done in 20 ms."""
MAX_PAGES = 16_384
"""65 million followers in pages of 4,000; more would only make the pages longer."""


def slot_ranges(followers: int) -> list[tuple[int, int]]:
    """Slot ranges [from, to) that together cover every slot, in order.

    Their number is a power of two, so that a range is a run of whole timeline shards.
    """
    wanted = -(-followers // FOLLOWERS_A_PAGE)
    pages = 1
    while pages < wanted and pages < MAX_PAGES:
        pages *= 2
    width = SLOTS // pages
    return [(start, start + width) for start in range(0, SLOTS, width)]
