"""The one way in which a message can be wrong."""

from typing import Literal

ViolationReason = Literal[
    "not_utf8",
    "not_json",
    "not_an_object",
    "null_value",
    "null_key",
    "key_mismatch",
    "missing",
    "wrong_type",
    "out_of_range",
    "unknown_type",
    "unknown_value",
    "too_long",
    "too_large",
    "too_far_ahead",
    "not_of_its_time",
]
"""Why a message was refused: a closed set, since it labels metrics and dead letters."""


class SchemaViolation(ValueError):
    """A message that no version of its schema admits. Raised by `schemas.codec` alone.

    `field` is the path of the offending field (`mentions[3]`, or `value`, `key` for the whole);
    neither it nor `reason` ever holds a value from the message.
    """

    def __init__(self, field: str, reason: ViolationReason) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason: ViolationReason = reason
