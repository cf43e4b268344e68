"""What is known of pulled authors, how old it may be, and how many they may be."""

from collections.abc import Collection

import pytest

from schemas.ids import DAY_MS, PostId, UserId, post_id
from services.pulled import authors
from services.pulled.authors import AGE_MS, PulledAuthors
from services.pulled.memory import MemoryPulled
from services.pulled.store import Flag
from services.retention import Retention
from services.timelines.store import AuthorEntry
from tests.clock import StandingClock

NOW = 1_790_000_000_000
ALICE, BOB, CAROL = map(UserId, (1, 2, 3))


class Counted(MemoryPulled):
    """That knows how often it was asked."""

    asked = 0

    async def flagged(self, first: int) -> set[Flag]:
        self.asked += 1
        return await super().flagged(first)


def posts(*writers: UserId) -> Collection[AuthorEntry]:
    return [AuthorEntry(each, PostId(post_id(NOW, each))) for each in writers]


async def test_what_is_known_is_a_moment_old_at_most() -> None:
    """Whatever is read meanwhile asks the store nothing."""
    store, clock = Counted(), StandingClock(NOW)
    reader = PulledAuthors(store, Retention(), clock)
    assert await reader.flagged_buckets() == {}
    await PulledAuthors(store, Retention(), clock).flag(posts(ALICE))
    asked = store.asked
    clock.now += AGE_MS - 1
    assert await reader.flagged_buckets() == {}
    assert store.asked == asked
    clock.now += 1
    assert set(await reader.flagged_buckets()) == {ALICE}


async def test_a_clock_that_goes_back_makes_nothing_last_longer() -> None:
    """The store is asked again."""
    store, clock = Counted(), StandingClock(NOW)
    reader = PulledAuthors(store, Retention(), clock)
    await reader.flagged_buckets()
    clock.now -= DAY_MS
    await reader.flagged_buckets()
    assert store.asked == 2


async def test_a_flag_is_about_posts_of_its_time() -> None:
    """Those of the same author that are weeks older were pushed, as far as it says."""
    pulled = PulledAuthors(MemoryPulled(), Retention(), StandingClock(NOW), age_ms=0)
    await pulled.flag(posts(ALICE))
    assert await pulled.has(ALICE, PostId(post_id(NOW, 7)))
    assert not await pulled.has(ALICE, PostId(post_id(NOW - 20 * DAY_MS, 7)))
    assert not await pulled.has(BOB, PostId(post_id(NOW, 7)))


async def test_beyond_a_bound_authors_are_pushed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those who have their flag keep it; who gets none is to be pushed, by whoever asked."""
    monkeypatch.setattr(authors, "MAX_AUTHORS", 2)
    store, clock = MemoryPulled(), StandingClock(NOW)
    pulled = PulledAuthors(store, Retention(), clock, age_ms=0)
    assert await pulled.flag(posts(ALICE)) == set(posts(ALICE))
    assert await pulled.flag(posts(ALICE, BOB, CAROL)) == set(posts(ALICE, BOB))
    assert await pulled.flag(posts(CAROL)) == set()
    assert set(await pulled.flagged_buckets()) == {ALICE, BOB}
