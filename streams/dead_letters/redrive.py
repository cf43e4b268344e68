"""Redrives dead letters, or drops them."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Final, Protocol

from streams.dead_letters.search import FoundDeadLetter
from streams.dead_letters.store import DeadLetterResolutions
from streams.dead_letters.stored import StoredDeadLetter
from streams.outbox import Outgoing
from streams.pace import Pace
from streams.progress import ProgressCallback

UNRECORDED_SECONDS: Final = 1.0
"""How long what was sent may go unrecorded: a crash sends it again, which changes nothing."""


class MessageSender(Protocol):
    """`streams.kafka.publisher.Publisher` is one. Both methods block."""

    def send(self, message: Outgoing) -> None: ...
    def finish(self) -> None: ...


async def redrive(  # noqa: PLR0913 - what is sent, by what, how fast, and what is reported
    found: AsyncIterator[list[FoundDeadLetter]],
    sender: MessageSender,
    resolutions: DeadLetterResolutions,
    on_progress: ProgressCallback[Sequence[StoredDeadLetter]],
    *,
    per_second: float | None = None,
    now: Callable[[], float] = time.monotonic,
) -> None:
    """Send messages back to the topics they came from, and record that once they are acknowledged.

    None of them may be cut (`leave_out_cut`).
    Raises what sending, searching and recording raise; what was reported stays done.
    """
    pace = Pace(per_second)
    async for some in found:
        async for portion in pace.portions(some, len(some)):
            waiting = iter([each.dead_letter for each in portion])
            while sent := await asyncio.to_thread(_send, waiting, sender, now):
                await resolutions.record([each.resolution_key for each in sent], "redriven")
                on_progress(sent)


async def drop(
    found: AsyncIterator[list[FoundDeadLetter]],
    resolutions: DeadLetterResolutions,
    on_progress: ProgressCallback[Sequence[StoredDeadLetter]],
) -> None:
    """Record that dead letters are dropped. Raises what searching and recording raise."""
    async for some in found:
        dead_letters = [each.dead_letter for each in some]
        await resolutions.record([each.resolution_key for each in dead_letters], "dropped")
        on_progress(dead_letters)


async def leave_out_cut(
    found: AsyncIterator[list[FoundDeadLetter]],
    on_cut: Callable[[StoredDeadLetter], None],
) -> AsyncIterator[list[FoundDeadLetter]]:
    """Yield those that are whole; the others cannot be redriven and are passed to `on_cut`."""
    async for some in found:
        whole = []
        for each in some:
            if each.dead_letter.cut() is None:
                whole.append(each)
            else:
                on_cut(each.dead_letter)
        if whole:
            yield whole


def _send(
    waiting: Iterator[StoredDeadLetter], sender: MessageSender, now: Callable[[], float]
) -> list[StoredDeadLetter]:
    """Send for UNRECORDED_SECONDS at most. Return what was sent and is acknowledged."""
    sent: list[StoredDeadLetter] = []
    began = now()
    for each in waiting:
        sender.send(each.original_message())
        sent.append(each)
        if now() - began >= UNRECORDED_SECONDS:
            break
    if sent:
        sender.finish()
    return sent
