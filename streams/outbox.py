"""Port: messages to send, with its adapter in memory."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Outgoing(NamedTuple):
    """A message to append to a topic; its key chooses the partition."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()
    timestamp: int | None = None
    """Milliseconds since the Unix epoch; None means the time of sending."""


class Outbox(Protocol):
    async def send(self, messages: Sequence[Outgoing]) -> None:
        """Append messages; the brokers have acknowledged all of them on return.

        Raises BrokerUnavailable if they did not, and MessageTooLarge if one of them is larger than
        its topic accepts: any of the messages may be in the log, or none. Sending them again is
        safe, and appends them again. Messages of one partition keep their order within one call.
        """


class MemoryOutbox:
    """Keeps messages by topic in the order of sending, for tests and embedded runs."""

    def __init__(self) -> None:
        self._sent: defaultdict[str, list[Outgoing]] = defaultdict(list)

    async def send(self, messages: Sequence[Outgoing]) -> None:
        for message in messages:
            self._sent[message.topic].append(message)

    def sent(self, topic: str) -> Sequence[Outgoing]:
        return tuple(self._sent[topic])
