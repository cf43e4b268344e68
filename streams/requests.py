"""Requests to ourselves as messages: the handlers' outbox on the outbox of messages."""

from collections.abc import Sequence

from schemas.codec import encode
from schemas.requests import Request
from streams.outbox import Outbox, Outgoing


class KafkaRequestOutbox:
    """A `services.handlers.outbox.RequestOutbox` that appends to the requests' topics."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    async def send(self, requests: Sequence[Request]) -> None:
        if requests:
            await self._outbox.send([Outgoing(*encode(request)) for request in requests])
