"""Homes as their owners read them: records who reads, and rebuilds homes of returning users."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from functools import partial
from typing import Final, TypeVar

import msgspec
import numpy as np
import structlog

from schemas.ids import DAY_MS, UserId
from services.activity.inactive_users import MAX_AGE_SECONDS
from services.activity.store import ActivityKind, ActivityStore
from services.clock import Clock
from services.errors import Transient
from services.metrics.metrics import Metrics
from services.readers.catch_up import CatchUpSummary
from services.readers.home import Home
from services.readers.paging import Page, PageRequest
from services.readers.signal import Signal, SignalPage, SignalPlace

SETTLE_SECONDS: Final = MAX_AGE_SECONDS + 10
"""After this no worker acts on what it knew before; ten seconds are for clocks that differ."""
MAX_REMEMBERED: Final = 100_000
"""Users seen in a day that are remembered: 10 MB. Beyond, all of them are recorded once more."""
MAX_RETURNING: Final = 10_000
"""Users that one process brings back at a time; others are brought back when they read again."""
REBUILDS_AT_ONCE: Final = 4
"""Rebuilds at a time: each holds a hundred author timelines, and competes with page reads."""

Answer = TypeVar("Answer", Page, CatchUpSummary, SignalPage)

log = structlog.get_logger(__name__)


class ReturningUsers:
    """Reads homes for their owners, and rebuilds them where entries were left out.

    A user costs two requests a day and process, whatever the number of their pages.
    """

    def __init__(  # noqa: PLR0913 - a composition
        self,
        home: Home,
        activity: ActivityStore,
        rebuild: Callable[[Collection[UserId]], Awaitable[object]],
        metrics: Metrics,
        clock: Clock,
        *,
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`wait` returns after so many seconds."""
        self._home = home
        self._signal = Signal(home)
        self._activity = activity
        self._rebuild = rebuild
        self._metrics = metrics
        self._clock = clock
        self._wait = wait
        self._seen_on: dict[UserId, int] = {}
        self._tasks: dict[UserId, asyncio.Task[None]] = {}
        self._rebuild_slots = asyncio.Semaphore(REBUILDS_AT_ONCE)

    async def page(self, viewer: UserId, request: PageRequest) -> Page:
        """Return a page of the viewer's home, marked where it may lack entries.

        Whether it may is read first: a home that becomes whole meanwhile was read too early.
        Raises StoreUnavailable.
        """
        return await self._read(viewer, partial(self._home.page, viewer, request))

    async def marked_page(self, viewer: UserId, request: PageRequest) -> Page:
        """Return the page as `page` does, with the viewer's mark. Raises StoreUnavailable."""
        return await self._read(viewer, partial(self._home.marked_page, viewer, request))

    async def page_around_mark(self, viewer: UserId, limit: int) -> Page:
        """Return the page around the viewer's mark. Raises StoreUnavailable."""
        return await self._read(viewer, partial(self._home.page_around_mark, viewer, limit))

    async def catch_up(
        self, viewer: UserId, read: Callable[[], Awaitable[CatchUpSummary]]
    ) -> CatchUpSummary:
        """Return what is new in the viewer's home, marked as pages are. Raises StoreUnavailable."""
        return await self._read(viewer, read)

    async def signal_page(
        self, viewer: UserId, limit: int, place: SignalPlace | None
    ) -> SignalPage:
        """Return a page of signal, marked as pages of home are. Raises StoreUnavailable."""
        return await self._read(viewer, partial(self._signal.page, viewer, limit, place))

    async def _read(self, viewer: UserId, read: Callable[[], Awaitable[Answer]]) -> Answer:
        may_lack = await self._check_in(viewer)
        page = await read()
        return msgspec.structs.replace(page, building=True) if may_lack else page

    def stop(self) -> None:
        """Stop bringing users back; the others are brought back when they read again."""
        for task in self._tasks.values():
            task.cancel()

    async def _check_in(self, viewer: UserId) -> bool:
        today = self._clock() // DAY_MS
        if self._seen_on.get(viewer) == today:
            return False
        # Written before it is read: a worker that missed the write marked them inactive before it.
        is_recorded = await self._record_seen(viewer, today)
        activity = await self._activity.load(viewer)
        if activity.may_lack_entries:
            self._start_return(viewer, activity.dormant)
        elif is_recorded:
            if len(self._seen_on) >= MAX_REMEMBERED:
                self._seen_on.clear()
            self._seen_on[viewer] = today
        return activity.may_lack_entries

    async def _record_seen(self, viewer: UserId, today: int) -> bool:
        try:
            await self._record(ActivityKind.SEEN, viewer, today)
        except Transient as error:
            log.warning("could not record that a user was active", error=repr(error))
            return False
        return True

    def _start_return(self, user: UserId, sleep: int) -> None:
        if user in self._tasks or len(self._tasks) >= MAX_RETURNING:
            return
        task = asyncio.create_task(self._restore_home(user, sleep))
        self._tasks[user] = task
        self._metrics.homes_returning.inc()
        task.add_done_callback(lambda _: self._finish_return(user))

    def _finish_return(self, user: UserId) -> None:
        del self._tasks[user]
        self._metrics.homes_returning.dec()

    async def _restore_home(self, user: UserId, sleep: int) -> None:
        """Rebuild: new entries are written from the first step on, all are there by the last."""
        try:
            await self._record(ActivityKind.AWAKE, user, sleep)
            await self._rebuild_home(user)
            await self._wait(SETTLE_SECONDS)
            await self._rebuild_home(user)
            await self._record(ActivityKind.REBUILT, user, sleep)
        except Transient as error:
            log.warning("could not rebuild a home", error=repr(error))

    async def _rebuild_home(self, user: UserId) -> None:
        async with self._rebuild_slots:
            await self._rebuild([user])

    async def _record(self, kind: ActivityKind, user: UserId, number: int) -> None:
        await self._activity.raise_numbers(kind, np.array([user]), np.array([number]))
