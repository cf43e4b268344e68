"""Workers acknowledge which generations they write; replays wait for all of them."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from random import Random as SystemRandom
from typing import Final

import structlog

from services.clock import Clock as NowMs
from services.errors import StoreUnavailable, Transient
from services.generations.generations import Generations
from services.generations.store import Acknowledgement, GenerationStore
from services.timelines.store import HomeTimelineStore
from streams.background import repeat
from streams.clock import SystemClock, WaitingClock
from streams.progress import ProgressCallback
from streams.retry import Random

LOOK_SECONDS: Final = 0.8
"""Between two reads of the list by a worker, at most: less than a list stays valid, so that no
delivery waits for one."""
WAIT_SECONDS: Final = 300.0
"""For all live workers to acknowledge a list. One that is gone leaves its group within 30 s; one
that takes longer is frozen, or older than generations."""
CHANGES: Final = 20
"""Attempts to change the list while others change it."""

log = structlog.get_logger(__name__)

Members = Callable[[], Awaitable[Collection[str] | None]]
"""Returns the live workers, as their groups know them; None while a group rebalances."""


class NotAcknowledged(Transient):
    """Some live workers have not acknowledged a list yet; try again later."""


class GenerationAcknowledger:
    """Records in the store which list of generations a worker uses, once it does."""

    def __init__(  # noqa: PLR0913 - its ports, each by name
        self,
        home_timelines: HomeTimelineStore,
        generations: GenerationStore,
        names: Sequence[str],
        now_ms: NowMs,
        *,
        clock: WaitingClock | None = None,
        random: Random | None = None,
    ) -> None:
        """`home_timelines` are those that the worker's handlers write to."""
        self._home_timelines = home_timelines
        self._generations = generations
        self._names = names
        self._now_ms = now_ms
        self._clock = clock or SystemClock()
        self._random = random or SystemRandom()
        self._acknowledged = -1

    async def watch(self) -> None:
        """Run without end. While the store is away, the last acknowledgement stays."""
        failed = "generations cannot be read"
        await repeat(self.look, LOOK_SECONDS, failed, self._clock, self._random)

    async def look(self) -> None:
        """Use the newest list, then acknowledge it. Raises StoreUnavailable."""
        number = await self._home_timelines.refresh()
        if number > self._acknowledged:
            acknowledgement = Acknowledgement(number, self._now_ms())
            await self._generations.acknowledge(self._names, acknowledgement)
            self._acknowledged = number


async def change_generations(
    store: GenerationStore, change: Callable[[Generations], Generations]
) -> Generations:
    """Change the list and return it. Raises what `change` raises, and StoreUnavailable."""
    for _ in range(CHANGES):
        known = await store.load()
        changed = change(known)
        if changed is known or await store.change(known, changed):
            return changed
    raise StoreUnavailable("others keep changing the list of generations: try again")


async def late_workers(store: GenerationStore, members: Members, number: int) -> list[str] | None:
    """Return the live workers that use neither this list nor a newer one; None while not known.

    Raises StoreUnavailable and BrokerUnavailable.
    """
    names = await members()
    if names is None:
        return None
    known = await store.acknowledgements()
    return sorted(each for each in names if each not in known or known[each].number < number)


async def wait_until_acknowledged(
    store: GenerationStore,
    members: Members,
    number: int,
    on_progress: ProgressCallback[str] = lambda _: None,
    clock: WaitingClock | None = None,
) -> None:
    """Return when every live worker uses this list or a newer one.

    Raises NotAcknowledged after WAIT_SECONDS, StoreUnavailable and BrokerUnavailable.
    """
    clock = clock or SystemClock()
    end = clock.now() + WAIT_SECONDS
    before = ""
    while (waits_for := await late_workers(store, members, number)) != []:
        named = "groups that rebalance" if waits_for is None else ", ".join(waits_for)
        if clock.now() > end:
            raise NotAcknowledged(f"not acknowledged within {WAIT_SECONDS:g} s: {named}")
        if named != before:
            on_progress(f"waits for {named} to acknowledge the list of generations")
            before = named
        await clock.wait(asyncio.Event(), LOOK_SECONDS)
