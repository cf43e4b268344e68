"""Requests that the sender handles at once, instead of sending them through Kafka."""

import asyncio
from collections.abc import Sequence

from schemas.requests import BackfillFollow, DeliverBulkPage, DeliverPage, Request
from services.handlers.handler import Accepted, Handler
from services.handlers.outbox import RequestOutbox
from services.handlers.rebuild import PAIRS_AT_ONCE


class InlineOutbox:
    """A RequestOutbox whose requests are handled when `send` returns.

    The requests of one batch of events are handled together: pages are regrouped by timeline shard,
    and an author timeline is read once for all its new followers. The required order holds, since a
    handler sends only after its own writes.
    """

    def __init__(
        self, deliver: Handler[DeliverPage], backfill: Handler[BackfillFollow] | None
    ) -> None:
        """Without `backfill` its requests are dropped: all posts are being delivered anyway."""
        self._deliver = deliver
        self._backfill = backfill

    async def send(self, requests: Sequence[Request]) -> None:
        """Handle all requests. Raises StoreUnavailable, after which some may be done."""
        await deliver_all(
            self._deliver, [each for each in requests if isinstance(each, DeliverPage)]
        )
        if self._backfill is None:
            return
        follows = [Accepted(each, 0) for each in requests if isinstance(each, BackfillFollow)]
        for start in range(0, len(follows), PAIRS_AT_ONCE):
            await self._backfill(follows[start : start + PAIRS_AT_ONCE])


class SmallPagesAtOnce:
    """A RequestOutbox that delivers small pages itself and sends the other requests.

    Up to `entries` home entries of each call, those of the smallest pages: that bounds how long a
    batch of posts is held up, and what is repeated when it fails.
    """

    def __init__(self, deliver: Handler[DeliverPage], others: RequestOutbox, entries: int) -> None:
        self._deliver = deliver
        self._others = others
        self._entries = entries

    async def send(self, requests: Sequence[Request]) -> None:
        """Return when all is delivered or sent.

        Raises StoreUnavailable and BrokerUnavailable, after which some may be done.
        """
        small = self._small_pages(requests)
        others = [each for each in requests if each not in small]
        await asyncio.gather(
            deliver_all(self._deliver, list(small)),
            *([self._others.send(others)] if others else []),
        )

    def _small_pages(self, requests: Sequence[Request]) -> dict[DeliverPage, None]:
        pages = [
            each
            for each in requests
            if isinstance(each, DeliverPage) and not isinstance(each, DeliverBulkPage)
        ]
        small: dict[DeliverPage, None] = {}
        left = self._entries
        for page in sorted(pages, key=lambda each: each.entries):
            left -= max(1, page.entries)
            if left < 0:
                break
            small[page] = None
        return small


async def deliver_all(deliver: Handler[DeliverPage], pages: Sequence[DeliverPage]) -> None:
    """Have all pages delivered, as many at a time as the handler takes. Raises as it does."""
    left = [Accepted(each, each.accepted_at) for each in pages]
    while left:
        done = await deliver(left)
        left = [] if done is None else left[done:]
