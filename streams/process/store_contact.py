"""The first contact with the store, which may be unavailable when a process starts."""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random as SystemRandom

import structlog

from services.errors import StoreUnavailable
from streams.clock import SystemClock, WaitingClock
from streams.retry import Random, RetryPolicy

POLICY = RetryPolicy(first=0.5)
"""Slower than usual, as each attempt costs a new cluster of the driver's."""

log = structlog.get_logger(__name__)


class StoreContact:
    """Connects to the store, however long it takes: a process that gave up would be restarted."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[None]],
        policy: RetryPolicy = POLICY,
        clock: WaitingClock | None = None,
        random: Random | None = None,
    ) -> None:
        """`connect` raises StoreUnavailable when it should be tried again."""
        self._connect = connect
        self._policy = policy
        self._clock = clock or SystemClock()
        self._random = random or SystemRandom()
        self._problem: str | None = "no answer yet"

    async def make(self) -> None:
        """Wait until the store is connected. Raises errors that waiting cannot solve."""
        attempt = 0
        while not await self._attempt():
            attempt += 1
            delay = self._policy.delay(attempt, self._random)
            await self._clock.wait(asyncio.Event(), delay)
        if attempt:
            log.warning("the store answers", attempts=attempt + 1)

    async def _attempt(self) -> bool:
        try:
            await self._connect()
        except StoreUnavailable as error:
            gist, _, _ = str(error).partition(": (")  # the driver's list of attempts
            # Warn once: a long outage has very many attempts.
            log_outage = log.debug if gist == self._problem else log.warning
            log_outage("waiting for the store", error=str(error))
            self._problem = gist
            return False
        self._problem = None
        return True

    def stuck(self) -> list[str]:
        """Return nothing: a restart would not help."""
        return []

    def missing(self) -> list[str]:
        """Return what the worker waits for."""
        return [] if self._problem is None else [f"waiting for the store: {self._problem}"]
