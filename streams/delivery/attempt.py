"""One attempt at a batch: decode → handle → done | later | dead letter."""

import asyncio
from collections.abc import Callable
from functools import cached_property
from traceback import format_exception
from typing import Generic, NamedTuple, TypeVar

import structlog

from services.errors import Permanent, Transient
from services.handlers.handler import Accepted, Handler
from services.metrics.metrics import Metrics
from streams.delivery.backlog import Batch, Slice
from streams.delivery.brake.brakes import Brake
from streams.delivery.dead_letters import DeadLetter, DeadLetterWriter, NotReadable
from streams.records import Record, UnreadableRecord

M = TypeVar("M")

Decode = Callable[[bytes | None, bytes | None, int], M]
"""Key, value and timestamp of a record to a message. Raises SchemaViolation."""

Skips = tuple[type[Exception], ...]
"""Errors of decoding that another group handles."""

LATER = (Transient, MemoryError)
"""Errors that say nothing against the message."""

log = structlog.get_logger(__name__)


class Origin(NamedTuple):
    """The record that a message was decoded from."""

    part: Slice
    record: Record


class Unfinished(NamedTuple):
    """The messages of a batch that are neither handled nor dead letters."""

    later: list[Slice]
    not_started: list[Slice]


class Outcome(NamedTuple):
    """The part of a batch that is not simply handled."""

    later: list[Origin]
    dead: list[tuple[Origin, Exception]]
    not_started: list[Origin]
    skipped: list[Origin]

    def omitted(self) -> list[Origin]:
        """Return the records that became no message."""
        return self.later + self.skipped + [origin for origin, _ in self.dead]


class Decoded(Generic[M]):
    """A batch as its handler sees it."""

    def __init__(self, batch: Batch, messages: list[Accepted[M]], omitted: list[Origin]) -> None:
        self._batch = batch
        self._omitted = omitted
        self.messages = messages
        self.is_retry = batch.retry

    @cached_property
    def origins(self) -> list[Origin]:
        """The records of the messages, in their order. Computed for a failure alone."""
        omitted = {(part.partition, record.offset) for part, record in self._omitted}
        return [
            Origin(part, record)
            for part in self._batch.slices
            for record in part.records
            if (part.partition, record.offset) not in omitted
        ]


class BatchAttempt(Generic[M]):
    """Attempts batches of one topic; keeps nothing of them but what its brake counts."""

    def __init__(  # noqa: PLR0913 - the ports of the loop, each by name
        self,
        agent: str,
        *,
        decode: Decode[M],
        handle: Handler[M],
        dead_letters: DeadLetterWriter,
        brake: Brake,
        metrics: Metrics,
        skips: Skips = (),
    ) -> None:
        self._agent = agent
        self._decode_one = decode
        self._handle = handle
        self._dead_letters = dead_letters
        self._brake = brake
        self._skips = skips
        self._writing = asyncio.Lock()
        self._seconds = metrics.handle_seconds.labels(agent)
        self._outcomes = metrics.events_handled
        self._dead_letter_count = metrics.dead_letters

    async def __call__(self, batch: Batch) -> Unfinished:
        """Attempt every message, as far as the handler goes at a time. Return what is unfinished.

        Everything else is handled, or written as a dead letter.
        """
        outcome = Outcome([], [], [], [])
        decoded = self._decode(batch, outcome)
        if decoded.messages:
            await self._attempt(decoded, 0, len(decoded.messages), outcome)
        total = sum(len(part.records) for part in batch.slices)
        written = await self._write_dead_letters(batch, outcome) if outcome.dead else 0
        unhandled = (outcome.later, outcome.not_started, outcome.skipped)
        handled = total - sum(map(len, unhandled)) - written
        if not written:
            self._brake.handled(handled)
        self._count("handled", handled)
        self._count("dead_letter", written)
        self._count("skipped", len(outcome.skipped))
        self._count("postponed", len(outcome.later))
        return Unfinished(_slices(outcome.later), _slices(outcome.not_started))

    def _count(self, outcome: str, messages: int) -> None:
        if messages:
            self._outcomes.labels(self._agent, outcome).inc(messages)

    def _decode(self, batch: Batch, outcome: Outcome) -> Decoded[M]:
        decode = self._decode_one
        messages: list[Accepted[M]] = []
        for part in batch.slices:
            for record in part.records:
                try:
                    if isinstance(record, UnreadableRecord):
                        raise NotReadable(record)  # noqa: TRY301 - what becomes of it is said once
                    message = decode(record.key, record.value, record.timestamp)
                except LATER:
                    outcome.later.append(Origin(part, record))
                except self._skips:
                    outcome.skipped.append(Origin(part, record))
                except Exception as error:  # noqa: BLE001 - a codec's bug concerns one message
                    outcome.dead.append((Origin(part, record), error))
                else:
                    messages.append(Accepted(message, record.timestamp))
        return Decoded(batch, messages, outcome.omitted())

    async def _attempt(self, decoded: Decoded[M], low: int, high: int, outcome: Outcome) -> None:
        """Hand the messages from `low` to `high` over, halved until what fails stands alone."""
        try:
            with self._seconds.time():
                done = await self._handle(decoded.messages[low:high])
            if done is not None and low + done < high:
                outcome.not_started.extend(decoded.origins[low + done : high])
        except LATER as error:
            self._log_failure(decoded, error)
            outcome.later.extend(decoded.origins[low:high])
        except asyncio.CancelledError:
            if _is_being_cancelled():
                raise
            # Something that the handler waited for was cancelled, not the handler.
            log.warning("cancelled from within, to be tried later", agent=self._agent)
            outcome.later.extend(decoded.origins[low:high])
        except Exception as error:  # noqa: BLE001 - whatever it is, the stream goes on
            if high - low == 1:
                outcome.dead.append((decoded.origins[low], error))
                return
            middle = (low + high) // 2
            await self._attempt(decoded, low, middle, outcome)
            await self._attempt(decoded, middle, high, outcome)

    async def _write_dead_letters(self, batch: Batch, outcome: Outcome) -> int:
        """Return how many are now dead letters. The others, if any, are tried later.

        One batch at a time: the brake engages at the very message that is one too many.
        """
        async with self._writing:
            dead_letters, ends = _dead_letters_and_ends(batch, outcome)
            ends = ends[: self._brake.admits(ends)]
            dead_letters = dead_letters[: sum(ends)]
            if dead_letters and await self._try_to_write(dead_letters):
                self._brake.happened(ends)
            else:
                dead_letters = []
        written = {(each.partition, each.record.offset) for each in dead_letters}
        outcome.later.extend(
            origin
            for origin, _ in outcome.dead
            if (origin.part.partition, origin.record.offset) not in written
        )
        return len(dead_letters)

    async def _try_to_write(self, dead_letters: list[DeadLetter]) -> bool:
        """Whether all of these are now dead letters."""
        try:
            await self._dead_letters.write(dead_letters)
        except (*LATER, Permanent) as error:  # the latter is the topic's fault: nothing is lost
            log.warning(
                "dead letters not written, to be tried later", agent=self._agent, error=repr(error)
            )
            return False
        self._report(dead_letters)
        return True

    def _log_failure(self, decoded: Decoded[M], error: BaseException) -> None:
        """Retries at the debug level: an outage has as many of them as it has seconds."""
        write = log.debug if decoded.is_retry else log.warning
        write("to be tried later", agent=self._agent, error=repr(error))

    def _report(self, dead_letters: list[DeadLetter]) -> None:
        for each in dead_letters:
            self._dead_letter_count.labels(each.partition.topic, each.reason).inc()
            log.error(
                "dead letter",
                agent=self._agent,
                topic=each.partition.topic,
                partition=each.partition.number,
                offset=each.record.offset,
                field=each.field,
                reason=each.reason,
                detail=each.message,
            )
        # One traceback per batch: a bug that every message meets would flood the log.
        bug = next((each.error for each in dead_letters if each.reason == "bug"), None)
        if bug is not None:
            # As text: structlog's own renderer takes seconds, during which the loop stands still.
            log.error("bug", agent=self._agent, traceback="".join(format_exception(bug)))


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _dead_letters_and_ends(batch: Batch, outcome: Outcome) -> tuple[list[DeadLetter], list[bool]]:
    """Return the dead letters of a batch, and for each finished message whether it is one.

    Both in the order of the batch. What is tried later, or not started, is not finished.
    """
    errors = {(at.part.partition, at.record.offset): error for at, error in outcome.dead}
    unfinished = (*outcome.later, *outcome.not_started)
    later = {(at.part.partition, at.record.offset) for at in unfinished}
    dead_letters, ends = [], []
    for part in batch.slices:
        for record in part.records:
            place = (part.partition, record.offset)
            if place in errors:
                dead_letters.append(DeadLetter(part.partition, record, errors[place]))
            if place not in later:
                ends.append(place in errors)
    return dead_letters, ends


def _slices(origins: list[Origin]) -> list[Slice]:
    """Group records by partition again, in the order of their offsets."""
    by_part: dict[tuple[str, int], Slice] = {}
    for part, record in origins:
        mine = by_part.setdefault(part.partition, Slice(part.partition, part.generation, []))
        mine.records.append(record)
    for mine in by_part.values():
        mine.records.sort(key=lambda record: record.offset)
    return list(by_part.values())
