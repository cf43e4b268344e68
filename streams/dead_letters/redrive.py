"""Sending letters back, and dropping them."""

import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from itertools import count
from typing import Final, Protocol

from streams.dead_letters.search import FoundDeadLetter
from streams.dead_letters.store import DeadLetterResolutions
from streams.dead_letters.stored import StoredDeadLetter
from streams.outbox import Outgoing
from streams.pace import paced

UNSETTLED_SECONDS: Final = 1.0
"""How long what was sent may go unrecorded: a crash sends it again, which changes nothing."""


class MessageSender(Protocol):
    """`streams.kafka.publisher.Publisher` is one."""

    def send(self, message: Outgoing) -> None: ...
    def finish(self) -> None: ...


Told = Callable[[Sequence[StoredDeadLetter]], None]
"""Is told of letters when they are settled."""


async def redrive(  # noqa: PLR0913 - what is sent, by whom, how fast, and who is told
    found: AsyncIterator[list[FoundDeadLetter]],
    sender: MessageSender,
    settled: DeadLetterResolutions,
    told: Told,
    *,
    per_second: float | None = None,
    now: Callable[[], float] = time.monotonic,
) -> None:
    """Send letters back to where they came from; acknowledged first, then settled.

    Raises what sending, searching and settling raise; what was told of stays done.
    """
    turns: Iterator[int] = iter(paced(count(), per_second)) if per_second else count()
    async for some in found:
        sent: list[StoredDeadLetter] = []
        began = now()
        for each in some:
            next(turns)
            sender.send(each.letter.sent_back())
            sent.append(each.letter)
            if now() - began >= UNSETTLED_SECONDS:
                await _acknowledged(sent, sender, settled, told)
                sent, began = [], now()
        if sent:
            await _acknowledged(sent, sender, settled, told)


async def drop(
    found: AsyncIterator[list[FoundDeadLetter]], settled: DeadLetterResolutions, told: Told
) -> None:
    """Settle letters without sending them. Raises what searching and settling raise."""
    async for some in found:
        letters = [each.letter for each in some]
        await settled.settle([each.place for each in letters], "dropped")
        told(letters)


async def _acknowledged(
    sent: Sequence[StoredDeadLetter],
    sender: MessageSender,
    settled: DeadLetterResolutions,
    told: Told,
) -> None:
    sender.finish()
    await settled.settle([each.place for each in sent], "redriven")
    told(sent)
