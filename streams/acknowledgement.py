"""A worker's word on which generations it writes, and waiting for the word of all of them."""

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
"""Between two looks of a worker at the list, at most: less than what a list is good for, so that no
delivery has to wait for one."""
WAIT_SECONDS: Final = 300.0
"""For all live workers to acknowledge a list. One that is gone leaves its group within 30 s; who
takes longer is frozen, or older than generations."""
CHANGES: Final = 20
"""Attempts to change the list while others change it."""

log = structlog.get_logger(__name__)

Members = Callable[[], Awaitable[Collection[str] | None]]
"""The live workers, as their groups know them; None while that changes."""


class NotAcknowledged(Transient):
    """Some live workers do not go by a list yet; the same may be asked again."""


class GenerationAcknowledger:
    """Says in the store by which list a worker goes, as soon as it does."""

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
        """Without end. While the store is away, what was acknowledged stays."""
        failed = "generations cannot be read"
        await repeat(self.look, LOOK_SECONDS, failed, self._clock, self._random)

    async def look(self) -> None:
        """First go by it, then say so. Raises StoreUnavailable."""
        number = await self._home_timelines.refresh()
        if number > self._acknowledged:
            acknowledgement = Acknowledgement(number, self._now_ms())
            await self._generations.acknowledge(self._names, acknowledgement)
            self._acknowledged = number


async def change_generations(
    store: GenerationStore, change: Callable[[Generations], Generations]
) -> Generations:
    """The list, changed. Raises what `change` does, and StoreUnavailable."""
    for _ in range(CHANGES):
        known = await store.load()
        wanted = change(known)
        if wanted is known or await store.change(known, wanted):
            return wanted
    raise StoreUnavailable("others change the list of generations all the time: try again")


async def late_workers(store: GenerationStore, members: Members, number: int) -> list[str] | None:
    """The live workers that do not go by this list or a newer one; None while it is not known.

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
    """Returns when every live worker goes by this list or a newer one.

    Raises NotAcknowledged after WAIT_SECONDS, StoreUnavailable and BrokerUnavailable.
    """
    clock = clock or SystemClock()
    end = clock.now() + WAIT_SECONDS
    before = ""
    while (waits_for := await late_workers(store, members, number)) != []:
        named = "groups that change" if waits_for is None else ", ".join(waits_for)
        if clock.now() > end:
            raise NotAcknowledged(f"not acknowledged within {WAIT_SECONDS:g} s: {named}")
        if named != before:
            on_progress(f"waits for {named} to acknowledge the list of generations")
            before = named
        await clock.wait(asyncio.Event(), LOOK_SECONDS)
