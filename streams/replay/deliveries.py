"""The delivery loops of a replay: the one loop, with handlers that do what they ask for."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from schemas.codec import decode
from schemas.errors import SchemaViolation
from schemas.snapshots import EdgesWritten
from services.handlers.handler import Handler
from services.metrics.metrics import Metrics
from streams.dead_letters.stored import origins
from streams.delivery.acks import AckTracker
from streams.delivery.backlog import BatchBounds
from streams.delivery.dead_letters import DeadLetter, DeadLetterWriter
from streams.delivery.loop import DeliveryLoop
from streams.replay.plan import Plan
from streams.replay.selection import Selection

BATCH_BOUNDS: Final = BatchBounds(messages=4_096, bytes=24 << 20, batches=2)
"""The more events at a time, the fewer requests an event. Two batches: one waits for the store
while the other is decoded."""


class NotSelected(Exception):
    """A message that is none of the plan's events."""


class NullDeadLetterWriter:
    """Writes nothing: what was read from a dead-letter topic is still there."""

    async def write(self, dead_letters: Sequence[DeadLetter]) -> None:
        """Do nothing."""


def create_delivery_loops(  # noqa: PLR0913 - the ports of the loops, each by name
    plan: Plan,
    handlers: Mapping[str, Handler[Any]],
    *,
    acks: AckTracker,
    dead_letters: DeadLetterWriter,
    metrics: Metrics,
    epoch: int,
) -> dict[str, DeliveryLoop[Any]]:
    """A loop for each topic that a plan reads.

    What cannot be decoded is a dead letter of the live loop already, and is skipped here.
    """
    loops = {}
    for topic in dict.fromkeys(source.topic for source in plan.sources):
        origin = origins().get(topic, topic)
        loops[topic] = DeliveryLoop(
            agent=f"replay-{topic}",
            topic=topic,
            decode=decode_selected(plan.choice, partial(decode, origin, epoch=epoch)),
            handle=handlers[origin],
            dead_letters=dead_letters if topic == origin else NullDeadLetterWriter(),
            acks=acks,
            metrics=metrics,
            bounds=BATCH_BOUNDS,
            skips=(SchemaViolation, NotSelected),
        )
    return loops


def decode_selected(choice: Selection, decode_one: Callable[..., Any]) -> Callable[..., Any]:
    """Decodes what is chosen. Raises NotChosen for the rest, and for what no event is."""

    def decoded(key: bytes | None, value: bytes | None, timestamp: int) -> Any:
        message = decode_one(key, value, timestamp)
        if isinstance(message, EdgesWritten) or not choice.takes(message):
            raise NotSelected
        return message

    return decoded
