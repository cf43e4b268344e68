"""Bounds how many dear answers one process works at: the others wait for their turn."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from services.api.problems import AtCapacity

AT_ONCE: Final = 4
"""Answers of one kind at a time: each takes a core for as long as it reads, others wait beside."""
WAIT_SECONDS: Final = 5.0
"""How long another one waits."""


class Turns:
    """Turns of answers of one kind; `what` names many of them."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._slots = asyncio.Semaphore(AT_ONCE)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn and hold it. Raises AtCapacity after WAIT_SECONDS."""
        try:
            await asyncio.wait_for(self._slots.acquire(), WAIT_SECONDS)
        except TimeoutError:
            raise AtCapacity(f"this process reads as many {self._what} as it can") from None
        try:
            yield
        finally:
            self._slots.release()
