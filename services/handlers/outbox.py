"""Port: the requests that handlers send through Kafka to other handlers."""

from collections.abc import Sequence
from typing import Protocol

from schemas.requests import Request


class RequestOutbox(Protocol):
    """Sends requests."""

    async def send(self, requests: Sequence[Request]) -> None:
        """Return when the broker has acknowledged every request. Sending one twice is harmless.

        Raises BrokerUnavailable if one was not acknowledged; any of them may be in the log then.
        """


class MemoryRequestOutbox:
    """Keeps all requests in order, for tests and for delivery by hand."""

    def __init__(self) -> None:
        self.sent: list[Request] = []

    async def send(self, requests: Sequence[Request]) -> None:
        self.sent.extend(requests)
