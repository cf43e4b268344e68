"""Waits until something has arrived, so that clients can read their own writes."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

MAX_WAIT: Final = 2.0
"""Longest `wait_for` in seconds; part of the public contract."""
_FIRST_PAUSE: Final = 0.01
_LONGEST_PAUSE: Final = 0.2
"""Seconds between two checks: soon for a fast pipeline, at most 16 checks for a slow one."""


async def wait_until_arrived(
    has_arrived: Callable[[], Awaitable[bool]], max_wait_seconds: float
) -> None:
    """Return when `has_arrived` does, after `max_wait_seconds` at the latest."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + max_wait_seconds
    pause = _FIRST_PAUSE
    while not await has_arrived() and (left := deadline - loop.time()) > 0:
        await asyncio.sleep(min(pause, left))
        pause = min(2 * pause, _LONGEST_PAUSE)
