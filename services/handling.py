"""What a handler is: it knows nothing of Faust, Kafka or offsets."""

from collections.abc import Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

M = TypeVar("M")
M_contra = TypeVar("M_contra", contravariant=True)


class Accepted(NamedTuple, Generic[M]):
    """A decoded message and when Kafka accepted it (milliseconds since the Unix epoch)."""

    message: M
    accepted_at: int


class Handler(Protocol[M_contra]):
    """Handles a batch of messages, in no particular order, each possibly for the second time.

    Returning means: every effect of every message is durable, and every message produced on
    the way was acknowledged by the broker. Raises Transient when the batch is to be tried
    again whole, Permanent when a message in it can never be handled.
    """

    async def __call__(self, batch: Sequence[Accepted[M_contra]]) -> None: ...
