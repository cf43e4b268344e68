"""The error of a message that its schema rejects."""

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
    "oneself",
]
"""Why a message is invalid. A closed set, since it labels metrics and dead letters."""


class SchemaViolation(ValueError):
    """No version of the schema accepts the message. Only `schemas.codec` raises it.

    `field` is the path of the offending field, such as `mentions[3]`, or `value` or `key` for the
    whole. Neither it nor `reason` holds a value from the message.
    """

    def __init__(self, field: str, reason: ViolationReason) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason: ViolationReason = reason
