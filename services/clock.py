"""The present. Whoever needs it is given a `Clock`; only what puts a process together reads one."""

import time
from collections.abc import Callable
from typing import TypeAlias

Clock: TypeAlias = Callable[[], int]
"""The present, in milliseconds since the Unix epoch."""


def now_ms() -> int:
    """Return the present, in milliseconds since the Unix epoch."""
    return time.time_ns() // 1_000_000


def now_us() -> int:
    """Return the present in microseconds since the Unix epoch: a write timestamp."""
    return time.time_ns() // 1_000
