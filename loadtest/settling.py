"""Waits until the store has nothing left to do of what was written before.

Cassandra flushes and compacts for half a minute after a burst. What is measured meanwhile pays for
what was measured before it: a maximum for the references of the last one.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping

from services.storage.session import Store
from services.storage.statements import Statement

POLL_SECONDS = 0.5
QUIET_LOOKS = 3
"""In a row, for between a flush and the compaction that it asks for, nothing is to be seen."""
BACKGROUND = frozenset({"CompactionExecutor", "MemtableFlushWriter", "MemtablePostFlush"})

_POOLS = Statement(
    "thread_pools",
    "read",
    "SELECT name, active_tasks, pending_tasks FROM system_views.thread_pools",
)


async def background_tasks(store: Store) -> dict[str, int]:
    """Flushes and compactions that run or wait, by thread pool, in the node that answers."""
    pools: Iterable[tuple[str, int, int]] = await store.read(_POOLS)
    return {name: active + pending for name, active, pending in pools if name in BACKGROUND}


async def wait_until_settled(
    look: Callable[[], Awaitable[Mapping[str, int]]], seconds: float, poll: float = POLL_SECONDS
) -> bool:
    """Whether there were none left within so many seconds. Raises StoreUnavailable."""
    deadline = time.monotonic() + seconds
    quiet = 0
    while time.monotonic() < deadline:
        quiet = 0 if any((await look()).values()) else quiet + 1
        if quiet == QUIET_LOOKS:
            return True
        await asyncio.sleep(poll)
    return False
