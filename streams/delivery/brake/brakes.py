"""The brakes of a worker: its own count of dead letters, and what all workers agreed on."""

import asyncio
from collections.abc import Callable, Sequence
from random import Random as SystemRandom
from typing import Final, get_args

import structlog

from services.clock import Clock, now_ms
from services.errors import Transient
from services.metrics.metrics import Metrics
from streams.clock import SystemClock, WaitingClock
from streams.delivery.brake.rule import BrakeLimits, BrakeReason, OutcomeWindow, Tripped
from streams.delivery.brake.store import BrakeState, BrakeStore, Engagement
from streams.retry import Random

POLL_SECONDS: Final = 2.0
"""Between two polls of the store, at most: all workers learn of an engaged or released brake by
then. A poll costs the store one read of five rows."""
MICROSECONDS: Final = 1_000

OFF: Final = BrakeState()

log = structlog.get_logger(__name__)


class Brake:
    """The brake of one topic, as one worker knows it. Its methods never wait."""

    def __init__(  # noqa: PLR0913 - what it counts with, and its callback
        self,
        topic: str,
        metrics: Metrics,
        now_ms: Clock = now_ms,
        *,
        limits: BrakeLimits | None = None,
        state: BrakeState | None = OFF,
        on_engaged: Callable[[], None] = lambda: None,
    ) -> None:
        """`state` is None until the store has answered; nothing is handled before.

        `on_engaged` is called when this worker engages the brake.
        """
        self.topic = topic
        self.unsaved: Engagement | None = None
        """An engagement by this worker, until the store has it."""
        self._now_ms = now_ms
        self._limits = limits
        self._window = OutcomeWindow(limits)
        self._state = state
        self._on_engaged = on_engaged
        self._gauges = {
            reason: metrics.topics_braked.labels(topic, reason) for reason in get_args(BrakeReason)
        }

    @property
    def is_on(self) -> bool:
        return self._state is None or self._state.is_on

    def problem(self) -> str | None:
        """Return why nothing of the topic is handled, for an operator. None if it is handled."""
        if self._state is None:
            return f"whether topic {self.topic} is braked is not known: the store does not answer"
        if not self._state.is_on:
            return None
        return (
            f"topic {self.topic} is braked: {self._state.engaged}; "
            f"fix the cause, then `mingle dead-letters resume {self.topic}`"
        )

    def handled(self, count: int) -> None:
        """Count messages that are no dead letters."""
        if not self.is_on:
            self._engage(self._window.handled(count))

    def admits(self, outcomes: Sequence[bool]) -> int:
        """Return how many of these outcomes may happen, in their order. True is a dead letter.

        The brake may engage with the last of them; while it is on, none may happen.
        """
        return 0 if self.is_on else self._window.copy().until_tripped(outcomes)[0]

    def happened(self, outcomes: Sequence[bool]) -> None:
        """Count outcomes that were admitted."""
        if not self.is_on:
            self._engage(self._window.until_tripped(outcomes)[1])

    def learn(self, kept: BrakeState) -> None:
        """Merge the stored state. Numbers only rise, so what is known here may be newer."""
        was_engaged = self._state is not None and self.is_on
        known = self._state or OFF
        engaged = max(
            (each for each in (known.engaged, kept.engaged) if each is not None),
            key=lambda each: each.number,
            default=None,
        )
        released = max((known.released, known.tolerated), (kept.released, kept.tolerated))
        self._enter(BrakeState(engaged, *released))
        if was_engaged and not self.is_on:
            self._window = OutcomeWindow(self._limits, self._state.tolerated if self._state else 0)

    def _engage(self, tripped: Tripped | None) -> None:
        if tripped is None or self._state is None:
            return
        number = max(self._now_ms() * MICROSECONDS, self._state.released + 1)
        self.unsaved = Engagement(number, *tripped)
        self._enter(self._state._replace(engaged=self.unsaved))
        self._on_engaged()

    def _enter(self, state: BrakeState) -> None:
        if state.is_on and not (self._state is not None and self._state.is_on):
            log.error("topic braked", topic=self.topic, why=str(state.engaged))
        elif not state.is_on and self._state is not None and self._state.is_on:
            log.warning("topic goes on", topic=self.topic)
        self._state = state
        for reason, gauge in self._gauges.items():
            is_why = state.engaged is not None and state.engaged.reason == reason
            gauge.set(int(state.is_on and is_why))


class Brakes:
    """The brakes of one app, synchronized with the store while `watch` runs."""

    def __init__(  # noqa: PLR0913 - its ports, each by name
        self,
        store: BrakeStore,
        metrics: Metrics,
        now_ms: Clock,
        *,
        limits: BrakeLimits | None = None,
        clock: WaitingClock | None = None,
        random: Random | None = None,
    ) -> None:
        self._store = store
        self._metrics = metrics
        self._now_ms = now_ms
        self._limits = limits
        self._clock = clock or SystemClock()
        self._random = random or SystemRandom()
        self._brakes: dict[str, Brake] = {}
        self._wake = asyncio.Event()

    def of(self, topic: str) -> Brake:
        """Return the brake of this topic, which is on until the store has answered."""
        if topic not in self._brakes:
            self._brakes[topic] = Brake(
                topic,
                self._metrics,
                self._now_ms,
                limits=self._limits,
                state=None,
                on_engaged=self._wake.set,
            )
        return self._brakes[topic]

    async def watch(self) -> None:
        """Synchronize without end. While the store is away, states stay and engagements wait."""
        is_away = False
        while True:
            self._wake.clear()
            try:
                await self._synchronize()
            except Transient as error:
                write = log.debug if is_away else log.warning
                write("brakes cannot be read", error=repr(error))
                is_away = True
            else:
                is_away = False
            pause = self._random.uniform(POLL_SECONDS / 2, POLL_SECONDS)
            await self._clock.wait(self._wake, pause)

    async def _synchronize(self) -> None:
        """Write first, then read, so that the answer includes what was written."""
        for brake in self._brakes.values():
            unsaved = brake.unsaved
            if unsaved is not None:
                await self._store.engage(brake.topic, unsaved)
                if brake.unsaved is unsaved:
                    brake.unsaved = None
        for topic, state in (await self._store.load(list(self._brakes))).items():
            self._brakes[topic].learn(state)
