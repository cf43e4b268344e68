"""The present. Code that needs it takes a `Clock`; only composition roots read the real one."""

import time
from collections.abc import Callable
from typing import TypeAlias

Clock: TypeAlias = Callable[[], int]
"""Returns the present in milliseconds since the Unix epoch."""


def now_ms() -> int:
    """Return the present in milliseconds since the Unix epoch."""
    return time.time_ns() // 1_000_000


def now_us() -> int:
    """Return the present in microseconds since the Unix epoch: a write timestamp."""
    return time.time_ns() // 1_000
