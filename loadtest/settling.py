"""Waits until the store has finished the background work of earlier writes.

Cassandra flushes and compacts for half a minute after a burst. A measurement during that time would
pay for the one before it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping

from services.storage.session import Store
from services.storage.statements import Statement

POLL_SECONDS = 0.5
QUIET_POLLS = 3
"""In a row, since between a flush and the compaction that follows nothing is visible."""
BACKGROUND = frozenset({"CompactionExecutor", "MemtableFlushWriter", "MemtablePostFlush"})

_POOLS = Statement(
    "thread_pools",
    "read",
    "SELECT name, active_tasks, pending_tasks FROM system_views.thread_pools",
)


async def background_tasks(store: Store) -> dict[str, int]:
    """Return the flushes and compactions that run or wait, by thread pool, in one node."""
    pools: Iterable[tuple[str, int, int]] = await store.read(_POOLS)
    return {name: active + pending for name, active, pending in pools if name in BACKGROUND}


async def wait_until_settled(
    tasks: Callable[[], Awaitable[Mapping[str, int]]], seconds: float, poll: float = POLL_SECONDS
) -> bool:
    """Wait this long at most; return whether no tasks are left. Raises StoreUnavailable."""
    deadline = time.monotonic() + seconds
    quiet = 0
    while time.monotonic() < deadline:
        quiet = 0 if any((await tasks()).values()) else quiet + 1
        if quiet == QUIET_POLLS:
            return True
        await asyncio.sleep(poll)
    return False
