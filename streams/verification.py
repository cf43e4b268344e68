"""Looks for missing and extra entries in a running system, and scans its users."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from random import Random
from typing import Final, NamedTuple

from schemas.ids import PostId, UserId
from services.metrics.metrics import Metrics
from services.readers.home import Home
from services.readers.reader import Reader
from services.scan import MIN_TOKEN, ScanPage
from services.verification.homes import VerifyHomes
from services.verification.sample import SampleResult, draw_sample, verify_each
from services.verification.threads import VerifyThreads
from streams.bootstrap import Deps

PAUSE_SECONDS: Final = 5.0
"""Pause between two looks at what differs: ten times what a delivery takes."""
USERS_AT_ONCE: Final = 64
"""Users rebuilt together: those with the same followees share the reading."""


class VerificationResult(NamedTuple):
    """Findings of one verification of homes and threads."""

    homes: SampleResult
    threads: SampleResult

    @property
    def is_whole(self) -> bool:
        return not (self.homes.differing or self.threads.differing)


class Verifier:
    """Draws users and posts, and compares what is shown with what must be."""

    def __init__(
        self,
        deps: Deps,
        random: Random,
        pause: Callable[[], Awaitable[None]] = lambda: asyncio.sleep(PAUSE_SECONDS),
    ) -> None:
        reader = Reader(deps.stores, deps.clock, deps.settings.epoch)
        self._stores = deps.stores
        self._metrics = deps.metrics
        self._random = random
        self._pause = pause
        self._homes = VerifyHomes(reader, Home(reader, deps.retention), deps.retention)
        self._threads = VerifyThreads(reader, deps.retention)

    async def verify_sample(self, count: int) -> VerificationResult:
        """Verify so many random users, and so many posts. Raises StoreUnavailable."""
        users = await self._draw_users(count)
        posts = await draw_sample(self._stores.posts.scan, count, self._random)
        return await self.verify(users, posts)

    async def verify(self, users: Sequence[UserId], posts: Sequence[PostId]) -> VerificationResult:
        """Verify these users and posts. Raises StoreUnavailable."""
        looked = VerificationResult(
            await verify_each(self._homes, users, self._pause),
            await verify_each(self._threads, posts, self._pause),
        )
        for listing, found in looked._asdict().items():
            _measure(self._metrics, listing, found)
        return looked

    async def _draw_users(self, count: int) -> list[UserId]:
        """Half of them readers, half of them writers; many are both."""
        readers = await draw_sample(self._stores.relations.owners, (count + 1) // 2, self._random)
        writers = await draw_sample(self._stores.author_timelines.authors, count // 2, self._random)
        return list(dict.fromkeys((*readers, *writers)))


def _measure(metrics: Metrics, listing: str, found: SampleResult) -> None:
    metrics.verified.labels(listing).inc(found.looked_at)
    for kind, places in (("missing", found.missing), ("extra", found.extra)):
        metrics.verify_differences.labels(listing, kind).set(places)


async def scan_users(deps: Deps) -> AsyncIterator[list[UserId]]:
    """Yield all users that follow somebody or ever wrote, some of them twice.

    Raises StoreUnavailable.
    """
    scans: Sequence[Callable[[int, int], Awaitable[ScanPage[UserId]]]] = (
        deps.stores.relations.owners,
        deps.stores.author_timelines.authors,
    )
    for scan in scans:
        token: int | None = MIN_TOKEN
        while token is not None:
            found = await scan(token, USERS_AT_ONCE)
            token = found.token
            if found.ids:
                yield found.ids
