"""Requests that the sender handles at once, instead of sending them through Kafka."""

from collections.abc import Sequence

from schemas.requests import BackfillFollow, DeliverPage, Request
from services.handlers.handler import Accepted, Handler
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
        pages = [
            Accepted(each, each.accepted_at) for each in requests if isinstance(each, DeliverPage)
        ]
        while pages:
            done = await self._deliver(pages)
            pages = [] if done is None else pages[done:]
        if self._backfill is None:
            return
        follows = [Accepted(each, 0) for each in requests if isinstance(each, BackfillFollow)]
        for start in range(0, len(follows), PAIRS_AT_ONCE):
            await self._backfill(follows[start : start + PAIRS_AT_ONCE])
