"""A port that is slow, fails, and does half of what it was asked."""

import asyncio
from random import Random
from typing import Any

from services.errors import StoreUnavailable

PIECEMEAL = {
    "record", "blank", "erase_edges", "add_author_entries", "link", "add_orphans", "send", "add",
    "forget", "withdraw", "mark_requested", "add_author_reposts", "flag", "add_quotes",
    "add_answers", "add_posts", "add_members", "add_entries",
}  # fmt: skip
"""Writes of many things, each of which may be done or not when the call fails."""

TURNS = (0, 0, 0, 1, 1, 2, 20)
"""How many turns others get at a time: mostly few, now and then enough for a whole handler."""

MOST_FAILURES = 10
"""Of one port: a hundred steps of which each tenth fails are done together in 40,000 tries."""


class ConcurrentWriter:
    """Stands before a port: others get to run between its steps, and any step may fail."""

    def __init__(self, port: Any, chance: Random, failing: float) -> None:
        self._port = port
        self._chance = chance
        self._failing = failing
        self._failures = 0

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)

        async def meddled(*args: Any, **named: Any) -> Any:
            await self._step()
            if name not in PIECEMEAL:
                answer = await method(*args, **named)
                await self._step()
                return answer
            pieces = list(args[0])
            for each in self._chance.sample(pieces, len(pieces)):
                await method([each])
                await self._step()
            return None

        return meddled

    async def _step(self) -> None:
        for _ in range(self._chance.choice(TURNS)):
            await asyncio.sleep(0)
        if self._failures < MOST_FAILURES and self._chance.random() < self._failing:
            self._failures += 1
            raise StoreUnavailable("for the test")
