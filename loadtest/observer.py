"""Who looks whether posts have arrived: sampled homes, read until the entry is there."""

import asyncio
import time
from typing import NamedTuple, Protocol

import httpx
import numpy as np

from loadtest.figures import Figures, percentiles
from schemas.ids import IdArray
from services.errors import StoreUnavailable

POLL_SECONDS = 0.005
PATIENCE = 0.15
"""Of an entry's age until the next look: what is late is looked for less often."""
PER_SECOND = 10.0
"""Posts that are watched. One that arrives within 60 ms is looked for some ten times, each of which
costs this process a millisecond: looking for all would measure the looking."""
AT_ONCE = 64
"""Entries that are waited for; above it posts are not watched, and counted."""
GIVE_UP_SECONDS = 900.0
LARGE = 10_000
"""Followers from which on several of them are watched."""
OF_LARGE = 4


class Arrival(NamedTuple):
    """An entry that became readable, counted from when its post was meant to be sent."""

    group: str
    intended: float
    seconds: float


class EntryReader(Protocol):
    """Where entries become readable; `loadtest.store.RunStore` is one."""

    async def holds(self, user: int, post: int) -> bool:
        """Whether the entry can be read."""


class Observer:
    """Times are in seconds of the run; `began` is its beginning on the monotonic clock."""

    def __init__(self, store: EntryReader, began: float, random: np.random.Generator) -> None:
        self.arrivals: list[Arrival] = []
        self.never = 0
        self.unwatched = 0
        self._store = store
        self._began = began
        self._random = random
        self._looking: set[asyncio.Task[None]] = set()
        self._next = 0.0

    def watch(self, group: str, post: int, followers: IdArray, intended: float) -> None:
        """Watch a random follower of the post, of a large author several."""
        if len(self._looking) >= AT_ONCE:
            self.unwatched += 1
            return
        if not len(followers):
            return
        count = OF_LARGE if len(followers) >= LARGE else 1
        for user in self._random.choice(followers, count).tolist():
            task = asyncio.create_task(self._look(group, user, post, intended))
            self._looking.add(task)
            task.add_done_callback(self._looking.discard)

    def is_turn(self, intended: float) -> bool:
        """Whether a post of that time should be watched: so many a second are."""
        if intended < self._next:
            return False
        self._next = max(self._next + 1 / PER_SECOND, intended)
        return True

    async def settle(self, seconds: float) -> None:
        """Wait for those that are looked for; what does not come in time never came."""
        if self._looking:
            _, late = await asyncio.wait(self._looking, timeout=seconds)
            self.never += len(late)
            for each in late:
                each.cancel()

    def figures(self, since: float = 0.0, until: float = float("inf")) -> Figures | None:
        """Of the posts that were meant to be sent in that time."""
        return percentiles(
            [each.seconds for each in self.arrivals if since <= each.intended < until]
        )

    def by_group(self, since: float = 0.0, until: float = float("inf")) -> dict[str, Figures]:
        mine = [each for each in self.arrivals if since <= each.intended < until]
        found = {
            name: percentiles([each.seconds for each in mine if each.group == name])
            for name in sorted({each.group for each in mine})
        }
        return {name: figures for name, figures in found.items() if figures}

    async def _look(self, group: str, user: int, post: int, intended: float) -> None:
        while True:
            age = time.monotonic() - self._began - intended
            if age > GIVE_UP_SECONDS:
                self.never += 1
                return
            try:
                there = await self._store.holds(user, post)
            except StoreUnavailable:
                there = False
            if there:
                seconds = time.monotonic() - self._began - intended
                self.arrivals.append(Arrival(group, intended, seconds))
                return
            await asyncio.sleep(max(POLL_SECONDS, age * PATIENCE))


class HomeRead(NamedTuple):
    """A page that was read, counted from when it was meant to be asked for."""

    intended: float
    seconds: float


class HomeReader:
    """Asks the API for homes at a set rate, whatever it answers."""

    AT_ONCE = 512
    """Requests waiting; above it they are not made, and count as refused."""

    def __init__(self, url: str, readers: IdArray, per_second: float, began: float) -> None:
        self.reads: list[HomeRead] = []
        self.refused = 0
        self._url = url
        self._readers = readers.tolist()
        self._gap = 1 / per_second
        self._began = began
        self._asking: set[asyncio.Task[None]] = set()
        self._stopped = False

    def stop(self) -> None:
        """Ask no more, and forget what was asked: what is measured is measured."""
        self._stopped = True
        for each in self._asking:
            each.cancel()

    async def read(self) -> None:
        """Until it is stopped or cancelled."""
        limits = httpx.Limits(max_connections=self.AT_ONCE)
        async with httpx.AsyncClient(timeout=30.0, limits=limits) as client:
            turn = time.monotonic()
            number = 0
            try:
                while not self._stopped:
                    self._begin(client, self._readers[number % len(self._readers)], turn)
                    turn += self._gap
                    number += 1
                    await asyncio.sleep(max(0.0, turn - time.monotonic()))
            finally:
                self.stop()
                await asyncio.gather(*self._asking, return_exceptions=True)

    def _begin(self, client: httpx.AsyncClient, user: int, turn: float) -> None:
        if len(self._asking) >= self.AT_ONCE:
            self.refused += 1
            return
        task = asyncio.create_task(self._ask(client, user, turn))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    def figures(self, since: float = 0.0, until: float = float("inf")) -> Figures | None:
        return percentiles([each.seconds for each in self.reads if since <= each.intended < until])

    async def home(self, client: httpx.AsyncClient, user: int) -> list[int]:
        """The newest page of ids."""
        path = f"{self._url}/v1/users/{user}/home"
        answer = await client.get(path, params={"hydrate": "false", "limit": "20"})
        answer.raise_for_status()
        return [int(each) for each in answer.json()["items"]]

    async def _ask(self, client: httpx.AsyncClient, user: int, turn: float) -> None:
        """One that fails counts with its time as well, else the slowest would be missing."""
        try:
            await self.home(client, user)
        except httpx.HTTPError:
            self.refused += 1
        now = time.monotonic()
        self.reads.append(HomeRead(turn - self._began, now - turn))
