"""Port: requests to ourselves, on their way to Kafka."""

from collections.abc import Sequence
from typing import Protocol

from schemas.requests import Request


class RequestOutbox(Protocol):
    """Where handlers put the work they ask for."""

    async def send(self, requests: Sequence[Request]) -> None:
        """Returns when the broker has acknowledged every request; sending twice is harmless.

        Raises BrokerUnavailable where one was not acknowledged; any of them may be in the log.
        """


class MemoryRequestOutbox:
    """Keeps what was sent, in order, for tests and for delivery by hand."""

    def __init__(self) -> None:
        self.sent: list[Request] = []

    async def send(self, requests: Sequence[Request]) -> None:
        self.sent.extend(requests)
