"""Small pages are delivered by whoever records the post; the rest goes through Kafka."""

from collections.abc import Sequence

import pytest

from schemas.ids import SLOTS
from schemas.requests import BackfillFollow, DeliverBulkPage, DeliverPage, Request
from services.errors import Transient
from services.handlers.handler import Accepted
from services.handlers.inline_outbox import SmallPagesAtOnce
from services.handlers.outbox import MemoryRequestOutbox


def page(post: int, entries: int, kind: type[DeliverPage] = DeliverPage) -> DeliverPage:
    return kind(
        post_id=post, author_id=post, slot_from=0, slot_to=SLOTS, accepted_at=7, entries=entries
    )


class Deliver:
    """Delivers two pages of each call, as a handler that is offered more than it takes."""

    def __init__(self) -> None:
        self.delivered: list[DeliverPage] = []

    async def __call__(self, batch: Sequence[Accepted[DeliverPage]]) -> int:
        self.delivered += [each.message for each in batch[:2]]
        assert all(each.accepted_at == 7 for each in batch)
        return min(2, len(batch))


async def sent(entries: int, *requests: Request) -> tuple[list[DeliverPage], list[Request]]:
    """What is delivered at once, and what is sent."""
    deliver, others = Deliver(), MemoryRequestOutbox()
    await SmallPagesAtOnce(deliver, others, entries).send(requests)
    return deliver.delivered, others.sent


async def test_the_smallest_pages_are_delivered_up_to_a_bound() -> None:
    """So that a batch is held up for a bounded time, whatever authors are in it."""
    pages = [page(1, 40), page(2, 10), page(3, 30), page(4, 20)]
    assert await sent(60, *pages) == ([pages[1], pages[3], pages[2]], [pages[0]])
    assert await sent(59, *pages) == ([pages[1], pages[3]], [pages[0], pages[2]])
    assert await sent(100, *pages) == ([pages[1], pages[3], pages[2], pages[0]], [])
    assert await sent(9, *pages) == ([], pages)


async def test_pages_of_large_authors_and_backfills_are_sent() -> None:
    bulk, follow = page(1, 1, DeliverBulkPage), BackfillFollow(follower_id=1, followee_id=2)
    assert await sent(100, bulk, follow) == ([], [bulk, follow])
    assert await sent(100) == ([], [])


async def test_what_cannot_be_delivered_fails_the_batch_and_the_rest_is_sent() -> None:
    """The batch is tried again as a whole; sending twice is harmless."""

    async def fail(_: Sequence[Accepted[DeliverPage]]) -> int:
        raise Transient("the store is away")

    others = MemoryRequestOutbox()
    with pytest.raises(Transient):
        await SmallPagesAtOnce(fail, others, 5).send([page(1, 1), page(2, 9)])
    assert others.sent == [page(2, 9)]
