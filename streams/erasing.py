"""Works off the list of erasures beside a worker's apps."""

import asyncio
from collections.abc import Sequence
from typing import Final

from services.clock import Clock as NowMs
from services.erasures.store import ErasureStore, Hold, PendingErasure
from services.handlers.erasure import Eraser
from services.metrics.metrics import Metrics
from streams.background import repeat
from streams.clock import SystemClock, WaitingClock

LOOK_SECONDS: Final = 5.0
"""Between two looks at the list, at most: a hundredth of the ten minutes that an erasure has."""
HOLD_MS: Final = 60_000
"""How long a worker holds an erasure after a page, several times what a page takes. When it dies,
another goes on after that."""
PENDING_AT_ONCE: Final = 1_000
"""Erasures looked at, 100 KB; those behind them come when these are done."""


class ErasureWork:
    """Erases accounts one after the other, a page at a time, at a bounded rate.

    Progress is stored after each page, so another worker goes on where this one died.
    """

    def __init__(  # noqa: PLR0913 - its ports, each by name
        self,
        erasures: ErasureStore,
        eraser: Eraser,
        metrics: Metrics,
        now_ms: NowMs,
        *,
        holder: str,
        rate: float,
        clock: WaitingClock | None = None,
    ) -> None:
        """`holder` names this worker alone; `rate` is in rows per second."""
        self._erasures = erasures
        self._eraser = eraser
        self._metrics = metrics
        self._now_ms = now_ms
        self._holder = holder
        self._rate = rate
        self._clock = clock or SystemClock()

    async def watch(self) -> None:
        """Run without end. While the store is away, erasures wait."""
        await repeat(self.look, LOOK_SECONDS, "erasures wait for the store", self._clock)

    async def look(self) -> None:
        """Work off what is on the list and nobody else holds. Raises StoreUnavailable."""
        for each in await self._pending():
            if not await self._is_done(each) and (hold := await self._take(each)) is not None:
                await self._erase(each, hold)
                await self._pending()

    async def _pending(self) -> Sequence[PendingErasure]:
        pending = await self._erasures.pending(PENDING_AT_ONCE)
        oldest = min((each.erasure.asked_at for each in pending), default=self._now_ms())
        self._metrics.erasures_pending.set(len(pending))
        self._metrics.erasure_oldest_seconds.set(max(0, self._now_ms() - oldest) / 1_000)
        return pending

    async def _is_done(self, pending: PendingErasure) -> bool:
        """Take off the list what a later or the same request has done already."""
        state = await self._erasures.state(pending.erasure.user_id)
        is_done = pending.erasure.asked_at <= state.done
        if is_done:
            await self._erasures.finish(pending.erasure)
        return is_done

    async def _take(self, pending: PendingErasure) -> Hold | None:
        """Take hold of an erasure; None where another worker has it, or was faster."""
        held = pending.hold
        if held.holder not in ("", self._holder) and held.until > self._now_ms():
            return None
        hold = self._hold_after(held)
        await self._erasures.save(pending.erasure, pending.progress, hold)
        now = {each.erasure: each.hold for each in await self._erasures.pending(PENDING_AT_ONCE)}
        return hold if now.get(pending.erasure) == hold else None

    async def _erase(self, pending: PendingErasure, hold: Hold) -> None:
        """Erase page by page. Nothing is logged: the user's id is all that is left of them."""
        erasure, progress = pending.erasure, pending.progress
        while True:
            rows, further = await self._eraser.advance(erasure.user_id, progress)
            self._metrics.erased_rows.inc(rows)
            if further is None:
                await self._erasures.finish(erasure)
                return
            progress, hold = further, self._hold_after(hold)
            await self._erasures.save(erasure, progress, hold)
            await self._clock.wait(asyncio.Event(), rows / self._rate)

    def _hold_after(self, last: Hold) -> Hold:
        """Return a hold from now on that outlasts the last one, and so is the one that stays."""
        return Hold(self._holder, max(self._now_ms() + HOLD_MS, last.until + 1))
