"""Probing for new entries: one question to the store for all who stream, instead of one for each.

A hint and no more. What it overlooks, and all that is no entry (edits, blocks, what expires), is
found by the next look of the stream, which comes anyway.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final, TypeAlias

import structlog

from schemas.ids import PostId, UserId, first_post_id
from services.errors import Transient
from services.timelines.retention import Clock
from services.timelines.store import TimelineStore

FRESH_MS: Final = 60_000
"""Post time of what is probed for: entries that come later than this wait for the next look."""

Wake: TypeAlias = Callable[[], None]

_log = structlog.get_logger(__name__)


class Arrivals:
    """Wakes those who wait for a user when his home has new entries; idle while nobody waits."""

    def __init__(self, timelines: TimelineStore, clock: Clock, epoch: int, seconds: float) -> None:
        self._timelines = timelines
        self._clock = clock
        self._epoch = epoch
        self._seconds = seconds
        self._waiting: dict[UserId, list[Wake]] = {}
        self._known: Mapping[UserId, frozenset[PostId]] = {}
        self._probing: asyncio.Task[None] | None = None

    @contextmanager
    def waking(self, user: UserId, wake: Wake) -> Iterator[None]:
        """Calls `wake` when entries arrive, until the context ends; once too often is no harm."""
        self._waiting.setdefault(user, []).append(wake)
        if self._probing is None or self._probing.done():
            self._probing = asyncio.create_task(self._probe())
        try:
            yield
        finally:
            self._waiting[user].remove(wake)
            if not self._waiting[user]:
                del self._waiting[user]

    async def _probe(self) -> None:
        while self._waiting:
            try:
                await self._round()
            except Transient as error:
                _log.warning("the store did not say what arrived", error=repr(error))
            except Exception as error:  # noqa: BLE001 - as a bug in one request ends no process
                _log.error("a probe met a bug", exc_info=error)
            await asyncio.sleep(self._seconds)

    async def _round(self) -> None:
        above = PostId(first_post_id(self._clock() - FRESH_MS, self._epoch))
        found = await self._timelines.arrivals(list(self._waiting), above)
        before, self._known = self._known, {user: frozenset(found[user]) for user in found}
        for user, posts in self._known.items():
            if posts - before.get(user, frozenset()):
                for wake in self._waiting.get(user, ()):
                    wake()
