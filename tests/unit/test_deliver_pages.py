"""How much of a fan-out is done at a time."""

from prometheus_client import CollectorRegistry

from schemas.ids import SLOTS, UserId
from schemas.requests import DeliverPage
from services.graph.edge import EdgeMutation
from services.handlers.delivery import ENTRIES_AT_ONCE, DeliverPages
from services.handlers.handler import Accepted
from services.metrics.metrics import Metrics
from services.span import Span
from streams.bootstrap import memory_stores

ALICE = UserId(1)
FOLLOWERS = range(10, 20)


async def delivered(pages: int, entries: int, at_once: int = ENTRIES_AT_ONCE) -> tuple[int, int]:
    """How many pages of alice's are handled in one call, and how many entries bob then has."""
    stores = memory_stores()
    await stores.graph.record([EdgeMutation(UserId(each), ALICE, 1, False) for each in FOLLOWERS])
    handle = DeliverPages(
        graph=stores.graph,
        home_timelines=stores.home_timelines,
        reposts=stores.reposts,
        metrics=Metrics(CollectorRegistry()),
        clock=lambda: 0,
        entries_at_once=at_once,
    )
    batch = [
        DeliverPage(
            post_id=post,
            author_id=ALICE,
            slot_from=0,
            slot_to=SLOTS,
            accepted_at=0,
            entries=entries,
        )
        for post in range(1, pages + 1)
    ]
    done = await handle([Accepted(page, 0) for page in batch])
    homes = await stores.home_timelines.pin()
    return done, len(await homes.home_page(UserId(FOLLOWERS[0]), Span(), 100))


async def test_all_pages_that_are_little_work_are_done_together() -> None:
    assert await delivered(pages=8, entries=10) == (8, 8)


async def test_pages_are_done_up_to_a_bound() -> None:
    """By what they say of themselves, and by what there really is to write."""
    assert await delivered(pages=8, entries=10, at_once=35) == (3, 3)
    assert await delivered(pages=8, entries=0, at_once=35) == (3, 3)
    assert await delivered(pages=8, entries=30, at_once=35) == (1, 1)


async def test_a_page_larger_than_the_bound_stands_alone() -> None:
    """It is done, or nothing ever would be."""
    assert await delivered(pages=2, entries=10, at_once=5) == (1, 1)
