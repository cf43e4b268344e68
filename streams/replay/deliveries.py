"""The delivery loops of a replay: the same loop, with handlers that do their requests at once."""

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
from streams.delivery.dead_letters import DeadLetter, DeadLetterWriter, NotReadable
from streams.delivery.loop import DeliveryLoop
from streams.replay.plan import Plan
from streams.replay.selection import Selection

BATCH_BOUNDS: Final = BatchBounds(messages=4_096, bytes=24 << 20, batches=2)
"""The more events in a batch, the fewer requests per event. Of two batches one waits for the store
while the other is decoded."""


class NotSelected(Exception):
    """A message is not among the plan's events."""


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
    """Return a loop for each topic that a plan reads.

    Messages that cannot be read or decoded are dead letters of live already, and are skipped.
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
            skips=(SchemaViolation, NotReadable, NotSelected),
        )
    return loops


def decode_selected(choice: Selection, decode_one: Callable[..., Any]) -> Callable[..., Any]:
    """Return a decoder that raises NotSelected for what the plan does not apply."""

    def decoded(key: bytes | None, value: bytes | None, timestamp: int) -> Any:
        message = decode_one(key, value, timestamp)
        if isinstance(message, EdgesWritten) or not choice.takes(message):
            raise NotSelected
        return message

    return decoded
