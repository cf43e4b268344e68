"""The type of all handlers, which know nothing of Faust, Kafka or offsets."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, NamedTuple, TypeAlias, TypeVar

M = TypeVar("M")


class Accepted(NamedTuple, Generic[M]):
    """A decoded message, and when Kafka accepted it in milliseconds since the Unix epoch."""

    message: M
    accepted_at: int


Handler: TypeAlias = Callable[[Sequence[Accepted[M]]], Awaitable[int | None]]
"""Handles a batch of messages, in any order, any of them possibly again.

When it returns, all effects are durable and the broker has acknowledged all messages it produced.
If it returns a number, at least 1, that holds for so many messages from the first on, and the rest
are handed to it again. Raises Transient if the whole batch has to be retried, Permanent if one of
its messages can never be handled.
"""
