"""Observes deliveries: polls sampled homes until the entry is there, and reads home pages."""

import asyncio
import time
from typing import NamedTuple, Protocol

import httpx
import numpy as np

from loadtest.figures import Figures, percentiles
from schemas.ids import IdArray
from services.errors import StoreUnavailable

POLL_SECONDS = 0.005
BACKOFF = 0.15
"""Share of an entry's age until the next poll: a late entry is polled less often."""
WATCHED_PER_SECOND = 10.0
"""Posts. One that arrives within 60 ms is polled some ten times, each of which costs this process a
millisecond: watching all posts would measure the watching."""
WATCHED_AT_ONCE = 64
"""Entries; beyond that posts are not watched, but counted."""
GIVE_UP_SECONDS = 900.0
LARGE_AUTHOR = 10_000
"""Followers from which several of them are watched."""
WATCHED_OF_LARGE = 4


class Arrival(NamedTuple):
    """An entry that became readable, in seconds from the intended time of its post."""

    group: str
    intended: float
    seconds: float


class EntryReader(Protocol):
    """Tells whether entries are readable, as `loadtest.store.RunStore` does."""

    async def holds(self, user: int, post: int) -> bool:
        """Whether the entry can be read."""


class Observer:
    """Watches entries. Times are seconds since `began`, the run's start on the monotonic clock."""

    def __init__(self, store: EntryReader, began: float, random: np.random.Generator) -> None:
        self.arrivals: list[Arrival] = []
        self.never_seen = 0
        self.unwatched = 0
        self._store = store
        self._began = began
        self._random = random
        self._polls: set[asyncio.Task[None]] = set()
        self._next = 0.0

    def watch(self, group: str, post: int, followers: IdArray, intended: float) -> None:
        """Watch the home of a random follower, of several for a large author."""
        if len(self._polls) >= WATCHED_AT_ONCE:
            self.unwatched += 1
            return
        if not len(followers):
            return
        count = WATCHED_OF_LARGE if len(followers) >= LARGE_AUTHOR else 1
        for user in self._random.choice(followers, count).tolist():
            task = asyncio.create_task(self._poll(group, user, post, intended))
            self._polls.add(task)
            task.add_done_callback(self._polls.discard)

    def should_watch(self, intended: float) -> bool:
        """Whether a post of that time is one of the WATCHED_PER_SECOND."""
        if intended < self._next:
            return False
        self._next = max(self._next + 1 / WATCHED_PER_SECOND, intended)
        return True

    async def finish(self, seconds: float) -> None:
        """Wait for the watched entries; those that are late count as never seen."""
        if self._polls:
            _, late = await asyncio.wait(self._polls, timeout=seconds)
            self.never_seen += len(late)
            for each in late:
                each.cancel()

    def figures(self, since: float = 0.0, until: float = float("inf")) -> Figures | None:
        """Return percentiles of the posts with an intended time in this span."""
        return percentiles(
            [each.seconds for each in self.arrivals if since <= each.intended < until]
        )

    def by_group(self, since: float = 0.0, until: float = float("inf")) -> dict[str, Figures]:
        """Return the same for each group of authors."""
        arrivals = [each for each in self.arrivals if since <= each.intended < until]
        by_group = {
            name: percentiles([each.seconds for each in arrivals if each.group == name])
            for name in sorted({each.group for each in arrivals})
        }
        return {name: figures for name, figures in by_group.items() if figures}

    async def _poll(self, group: str, user: int, post: int, intended: float) -> None:
        while True:
            age = time.monotonic() - self._began - intended
            if age > GIVE_UP_SECONDS:
                self.never_seen += 1
                return
            try:
                there = await self._store.holds(user, post)
            except StoreUnavailable:
                there = False
            if there:
                seconds = time.monotonic() - self._began - intended
                self.arrivals.append(Arrival(group, intended, seconds))
                return
            await asyncio.sleep(max(POLL_SECONDS, age * BACKOFF))


class HomeRead(NamedTuple):
    """A page that was read, in seconds from its intended time."""

    intended: float
    seconds: float


class HomeReader:
    """Reads homes from the API at a set rate, whatever it answers."""

    REQUESTS_AT_ONCE = 512
    """Beyond that requests are not made, and count as failed."""

    def __init__(self, url: str, readers: IdArray, per_second: float, began: float) -> None:
        self.reads: list[HomeRead] = []
        self.failed = 0
        self._url = url
        self._readers = readers.tolist()
        self._gap = 1 / per_second
        self._began = began
        self._requests: set[asyncio.Task[None]] = set()
        self._stopped = False

    def stop(self) -> None:
        """Make no more requests, and drop those in flight."""
        self._stopped = True
        for each in self._requests:
            each.cancel()

    async def run(self) -> None:
        """Read until it is stopped or cancelled."""
        limits = httpx.Limits(max_connections=self.REQUESTS_AT_ONCE)
        async with httpx.AsyncClient(timeout=30.0, limits=limits) as client:
            intended = time.monotonic()
            number = 0
            try:
                while not self._stopped:
                    self._start(client, self._readers[number % len(self._readers)], intended)
                    intended += self._gap
                    number += 1
                    await asyncio.sleep(max(0.0, intended - time.monotonic()))
            finally:
                self.stop()
                await asyncio.gather(*self._requests, return_exceptions=True)

    def _start(self, client: httpx.AsyncClient, user: int, intended: float) -> None:
        if len(self._requests) >= self.REQUESTS_AT_ONCE:
            self.failed += 1
            return
        task = asyncio.create_task(self._read(client, user, intended))
        self._requests.add(task)
        task.add_done_callback(self._requests.discard)

    def figures(self, since: float = 0.0, until: float = float("inf")) -> Figures | None:
        """Return percentiles of the reads with an intended time in this span."""
        return percentiles([each.seconds for each in self.reads if since <= each.intended < until])

    async def newest_page(self, client: httpx.AsyncClient, user: int) -> list[int]:
        """Return the post ids of a home's newest page. Raises httpx.HTTPError."""
        path = f"{self._url}/v1/users/{user}/home"
        answer = await client.get(path, params={"hydrate": "false", "limit": "20"})
        answer.raise_for_status()
        return [int(each) for each in answer.json()["items"]]

    async def _read(self, client: httpx.AsyncClient, user: int, intended: float) -> None:
        """Record the time of a request, also of one that fails: else the slowest were missing."""
        try:
            await self.newest_page(client, user)
        except httpx.HTTPError:
            self.failed += 1
        now = time.monotonic()
        self.reads.append(HomeRead(intended - self._began, now - intended))
