"""What becomes of one batch: decode → handle → done | later | dead letter."""

import asyncio
from collections.abc import Callable
from functools import cached_property
from traceback import format_exception
from typing import Generic, NamedTuple, TypeVar

import structlog

from services.errors import Transient
from services.handlers.handler import Accepted, Handler
from services.metrics.metrics import Metrics
from streams.delivery.backlog import Batch, Slice
from streams.delivery.brake.brakes import Brake
from streams.delivery.dead_letters import DeadLetter, DeadLetterWriter
from streams.records import Record

M = TypeVar("M")

Decode = Callable[[bytes | None, bytes | None, int], M]
"""Key, value and timestamp of a record to a message. Raises SchemaViolation."""

Skips = tuple[type[Exception], ...]
"""With what decoding may fail that another group sees to."""

LATER = (Transient, MemoryError)
"""What says nothing against the message."""

log = structlog.get_logger(__name__)


class Origin(NamedTuple):
    """Where a message came from."""

    part: Slice
    record: Record


class Unfinished(NamedTuple):
    """What of a batch is neither handled nor kept: what failed, and what was not begun."""

    later: list[Slice]
    rest: list[Slice]


class Outcome(NamedTuple):
    """What of a batch is not simply handled."""

    later: list[Origin]
    dead: list[tuple[Origin, Exception]]
    rest: list[Origin]
    skipped: list[Origin]

    def origins(self) -> list[Origin]:
        """All that is in it."""
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
        """Parallel to the messages. Only a failure asks for them."""
        omitted = {(part.partition, record.offset) for part, record in self._omitted}
        return [
            Origin(part, record)
            for part in self._batch.slices
            for record in part.records
            if (part.partition, record.offset) not in omitted
        ]


class BatchAttempt(Generic[M]):
    """Tries batches of one topic; keeps nothing of them, except what its brake counts."""

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
        self._burying = asyncio.Lock()
        self._seconds = metrics.handle_seconds.labels(agent)
        self._outcomes = metrics.events_handled
        self._letters = metrics.dead_letters

    async def __call__(self, batch: Batch) -> Unfinished:
        """See every message through that can be, as far as the handler goes at a time.

        All that is not left is handled, or kept as a dead letter.
        """
        outcome = Outcome([], [], [], [])
        decoded = self._decode(batch, outcome)
        if decoded.messages:
            await self._attempt(decoded, 0, len(decoded.messages), outcome)
        total = sum(len(part.records) for part in batch.slices)
        buried = await self._bury(batch, outcome) if outcome.dead else 0
        handled = total - sum(map(len, (outcome.later, outcome.rest, outcome.skipped))) - buried
        if not buried:
            self._brake.handled(handled)
        self._count("handled", handled)
        self._count("dead_letter", buried)
        self._count("skipped", len(outcome.skipped))
        self._count("postponed", len(outcome.later))
        return Unfinished(_slices(outcome.later), _slices(outcome.rest))

    def _count(self, outcome: str, messages: int) -> None:
        if messages:
            self._outcomes.labels(self._agent, outcome).inc(messages)

    def _decode(self, batch: Batch, outcome: Outcome) -> Decoded[M]:
        decode = self._decode_one
        messages: list[Accepted[M]] = []
        for part in batch.slices:
            for record in part.records:
                try:
                    message = decode(record.key, record.value, record.timestamp)
                except LATER:
                    outcome.later.append(Origin(part, record))
                except self._skips:
                    outcome.skipped.append(Origin(part, record))
                except Exception as error:  # noqa: BLE001 - a codec's bug concerns one message
                    outcome.dead.append((Origin(part, record), error))
                else:
                    messages.append(Accepted(message, record.timestamp))
        return Decoded(batch, messages, outcome.origins())

    async def _attempt(self, decoded: Decoded[M], low: int, high: int, outcome: Outcome) -> None:
        """Hand over the messages from `low` to `high`, halved until what fails stands alone."""
        try:
            with self._seconds.time():
                done = await self._handle(decoded.messages[low:high])
            if done is not None and low + done < high:
                outcome.rest.extend(decoded.origins[low + done : high])
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

    async def _bury(self, batch: Batch, outcome: Outcome) -> int:
        """How many are now kept as dead letters. The others, if any, are to be tried later.

        One batch at a time: the brake engages at the very message that is one too many.
        """
        async with self._burying:
            letters, ends = _letters(batch, outcome)
            ends = ends[: self._brake.admits(ends)]
            letters = letters[: sum(ends)]
            if letters and await self._keep(letters):
                self._brake.happened(ends)
            else:
                letters = []
        kept = {(letter.partition, letter.record.offset) for letter in letters}
        outcome.later.extend(
            origin
            for origin, _ in outcome.dead
            if (origin.part.partition, origin.record.offset) not in kept
        )
        return len(letters)

    async def _keep(self, letters: list[DeadLetter]) -> bool:
        """Whether these are now kept as dead letters."""
        try:
            await self._dead_letters.bury(letters)
        except LATER as error:
            log.warning("to be buried later", agent=self._agent, error=repr(error))
            return False
        self._report(letters)
        return True

    def _log_failure(self, decoded: Decoded[M], error: BaseException) -> None:
        """Once at length: an outage has as many failed retries as it has seconds."""
        say = log.debug if decoded.is_retry else log.warning
        say("to be tried later", agent=self._agent, error=repr(error))

    def _report(self, letters: list[DeadLetter]) -> None:
        for letter in letters:
            self._letters.labels(letter.partition.topic, letter.reason).inc()
            log.error(
                "dead letter",
                agent=self._agent,
                topic=letter.partition.topic,
                partition=letter.partition.number,
                offset=letter.record.offset,
                field=letter.field,
                reason=letter.reason,
            )
        # One traceback a batch: a bug that every message meets would drown the log in them.
        bug = next((letter.error for letter in letters if letter.reason == "bug"), None)
        if bug is not None:
            # As text: structlog's own renderer takes seconds, during which the loop stands still.
            log.error("bug", agent=self._agent, traceback="".join(format_exception(bug)))


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _letters(batch: Batch, outcome: Outcome) -> tuple[list[DeadLetter], list[bool]]:
    """The dead letters of a batch in its order, and of each message that has an end, which it is.

    True is a dead letter; what is to be tried later, or was not begun, has no end yet.
    """
    errors = {(at.part.partition, at.record.offset): error for at, error in outcome.dead}
    waiting = (*outcome.later, *outcome.rest)
    later = {(at.part.partition, at.record.offset) for at in waiting}
    letters, ends = [], []
    for part in batch.slices:
        for record in part.records:
            place = (part.partition, record.offset)
            if place in errors:
                letters.append(DeadLetter(part.partition, record, errors[place]))
            if place not in later:
                ends.append(place in errors)
    return letters, ends


def _slices(origins: list[Origin]) -> list[Slice]:
    """By partition again, in the order of their offsets."""
    by_part: dict[tuple[str, int], Slice] = {}
    for part, record in origins:
        mine = by_part.setdefault(part.partition, Slice(part.partition, part.generation, []))
        mine.records.append(record)
    for mine in by_part.values():
        mine.records.sort(key=lambda record: record.offset)
    return list(by_part.values())
