"""Whoever looks whether posts arrived, and how long pages take."""

import asyncio
import time

import numpy as np

from loadtest.observer import LARGE_AUTHOR, WATCHED_OF_LARGE, HomeReader, Observer
from services.errors import StoreUnavailable

FOLLOWERS = np.arange(1, 100)
NEVER = 5


class Homes:
    """Holds an entry from the third poll on, after one that failed; never one of post NEVER."""

    def __init__(self) -> None:
        self.looks: dict[tuple[int, int], int] = {}

    async def holds(self, user: int, post: int) -> bool:
        looks = self.looks[user, post] = self.looks.get((user, post), 0) + 1
        if looks == 1:
            raise StoreUnavailable("away")
        return looks >= 3 and post != NEVER


def observer(homes: Homes) -> Observer:
    return Observer(homes, time.monotonic(), np.random.default_rng(1))


async def test_latency_runs_from_the_intended_time() -> None:
    """Half a second before it was sent, here; an unavailable store is polled again."""
    homes = Homes()
    watching = observer(homes)
    watching.watch("people", 7, FOLLOWERS, -0.5)
    await watching.finish(30)
    [arrival] = watching.arrivals
    assert arrival.seconds >= 0.5
    assert list(homes.looks.values()) == [3]
    assert watching.figures(since=-1, until=0) == watching.by_group(since=-1)["people"]
    assert watching.figures(since=0) is None


async def test_what_never_comes_is_counted() -> None:
    """It has no latency, but is counted."""
    watching = observer(Homes())
    watching.watch("people", NEVER, FOLLOWERS, 0)
    await watching.finish(0.05)
    assert watching.never_seen == 1
    assert watching.arrivals == []


async def test_of_a_large_author_several_are_watched() -> None:
    """Their entries do not all arrive at once; nobody watches an author without followers."""
    homes = Homes()
    watching = observer(homes)
    watching.watch("star", 7, np.arange(LARGE_AUTHOR), 0)
    watching.watch("nobody", 8, FOLLOWERS[:0], 0)
    await watching.finish(30)
    assert len(watching.arrivals) == WATCHED_OF_LARGE


async def test_so_many_a_second_have_their_turn() -> None:
    """Ten per second, however many there are."""
    watching = observer(Homes())
    turns = [number / 1_000 for number in range(2_000) if watching.should_watch(number / 1_000)]
    assert 18 <= len(turns) <= 21


async def test_a_page_that_fails_counts_with_its_time() -> None:
    """Otherwise the slowest, which time out, would be missing."""
    reader = HomeReader("http://127.0.0.1:1", FOLLOWERS, 200, time.monotonic())
    reading = asyncio.create_task(reader.run())
    async with asyncio.timeout(30):
        while len(reader.reads) < 3:  # noqa: ASYNC110 - nothing tells of a read
            await asyncio.sleep(0.01)
    reader.stop()
    async with asyncio.timeout(30):
        await reading
    assert reader.failed >= 3
    figures = reader.figures()
    assert figures is not None
    assert figures["count"] >= 3
