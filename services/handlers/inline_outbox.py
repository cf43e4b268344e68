"""Requests that are done at once by whoever asks for them, instead of travelling through Kafka."""

from collections.abc import Sequence

from schemas.requests import BackfillFollow, DeliverPage, Request
from services.handlers.handler import Accepted, Handler
from services.handlers.rebuild import PAIRS_AT_ONCE


class InlineOutbox:
    """An outbox whose requests are done when `send` returns.

    All that one batch of events asks for is done together: pages regrouped by timeline shard, a
    timeline read once for all who follow its author. The order that the law needs is kept, for
    whoever sends has written what he writes first.
    """

    def __init__(
        self, deliver: Handler[DeliverPage], backfill: Handler[BackfillFollow] | None
    ) -> None:
        """Without `backfill` those requests fall: somebody delivers the posts, all of them."""
        self._deliver = deliver
        self._backfill = backfill

    async def send(self, requests: Sequence[Request]) -> None:
        """Raises StoreUnavailable; some may be done then."""
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
