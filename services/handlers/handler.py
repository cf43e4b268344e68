"""What a handler is: it knows nothing of Faust, Kafka or offsets."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, NamedTuple, TypeAlias, TypeVar

M = TypeVar("M")


class Accepted(NamedTuple, Generic[M]):
    """A decoded message and when Kafka accepted it (milliseconds since the Unix epoch)."""

    message: M
    accepted_at: int


Handler: TypeAlias = Callable[[Sequence[Accepted[M]]], Awaitable[int | None]]
"""Handles a batch of messages, in no particular order, each possibly for the second time.

Returning means: every effect of every message is durable, and every message produced on the way
was acknowledged by the broker. A number returned says that of so many messages only, from the first
on, one at least; the others are handed over again. Raises Transient when the batch is to be tried
again whole, Permanent when a message in it can never be handled.
"""
