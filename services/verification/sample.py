"""Verifies a random sample of a running system's users and threads, each by itself."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from random import Random
from typing import NamedTuple, TypeVar

from schemas.ids import PostId, UserId
from services.scan import MIN_TOKEN, ScanPage
from services.verification.differences import Differences

ATTEMPTS = 3
"""Looks that must find a difference before it counts: some post is always on its way."""
AT_ONCE = 8
"""Users or posts that are verified together; each costs fewer requests than a page."""

IdT = TypeVar("IdT", UserId, PostId)
Scan = Callable[[int, int], Awaitable[ScanPage[IdT]]]
Verify = Callable[[IdT], Awaitable[Differences | None]]


class SampleResult(NamedTuple):
    """The number of users or posts verified, and how each that differs does.

    `skipped` were not compared: unknown, following more people than are compared, or users whose
    homes may lack entries until they read again.
    """

    looked_at: int
    skipped: int
    differing: dict[int, Differences]

    @property
    def missing(self) -> int:
        """The number of posts that are missing, in all listings that differ."""
        return sum(len(each.missing_posts) for each in self.differing.values())

    @property
    def extra(self) -> int:
        """The number of posts that are extra, likewise."""
        return sum(len(each.extra_posts) for each in self.differing.values())


async def draw_sample(scan: Scan[IdT], count: int, random: Random) -> list[IdT]:
    """Return up to `count` ids that the store has, from a random token on."""
    if not count:
        return []
    start = random.randint(MIN_TOKEN, -MIN_TOKEN - 1)
    found = (await scan(start, count)).ids
    if len(found) < count:
        found += (await scan(MIN_TOKEN, count - len(found))).ids
    return list(dict.fromkeys(found))


async def verify_each(
    verify: Verify[IdT], asked: Collection[IdT], pause: Callable[[], Awaitable[None]]
) -> SampleResult:
    """Verify each; each that differs again after each pause. Raises StoreUnavailable."""
    first = await _verify_batches(verify, list(asked))
    differing = {each: found for each, found in first.items() if found}
    for _ in range(ATTEMPTS - 1):
        if not differing:
            break
        await pause()
        again = await _verify_batches(verify, list(differing))
        lasting = {
            each: found.confirmed_by(again[each] or Differences())
            for each, found in differing.items()
        }
        differing = {each: found for each, found in lasting.items() if found}
    skipped = sum(1 for found in first.values() if found is None)
    return SampleResult(
        len(first), skipped, {int(each): found for each, found in differing.items()}
    )


async def _verify_batches(
    verify: Verify[IdT], asked: Sequence[IdT]
) -> dict[IdT, Differences | None]:
    found: dict[IdT, Differences | None] = {}
    for start in range(0, len(asked), AT_ONCE):
        some = asked[start : start + AT_ONCE]
        found.update(zip(some, await asyncio.gather(*map(verify, some)), strict=True))
    return found
