"""Who has not read for days is left out, and when he returns nothing is missing.

Time passes, workers look when they like, each with a threshold of its own, and people read now and
then, by any process of the API.
"""

import asyncio
from random import Random
from typing import Any

import numpy as np
from hypothesis import strategies as st

from schemas.events import FollowCreated, FollowFact, PostCreated
from schemas.ids import DAY_MS, UserId
from services.activity.inactive_users import MAX_AGE_SECONDS, InactiveUsers
from services.activity.store import ActivityKind
from services.errors import Transient
from services.handlers.delivery import everyone_active
from services.handlers.rebuild import Rebuild
from services.readers.home import Home
from services.readers.paging import Page, PageRequest
from services.readers.reader import Reader
from services.readers.returning import SETTLE_SECONDS, ReturningUsers
from services.stores import Stores
from streams.bootstrap import memory_stores
from tests.histories import NOW, PEOPLE, POSTS, READER, Fact, chances, histories
from tests.properties.concurrent_writer import TURNS, ConcurrentWriter
from tests.properties.conftest import Prove
from tests.properties.world import METRICS, World, assert_same, says, some, turns
from tests.relation_histories import peopled_histories

EVERYBODY = tuple(map(UserId, (*PEOPLE, READER)))
ALL = PageRequest(limit=100)
MOST_DAYS = 20
"""That pass in a history: what it tells of is still within the retention."""
AS_FAR_AS_IT_GOES = 100
"""Turns after which whatever has begun is over, or waits for time to pass."""
thresholds = st.lists(st.sampled_from((0, 1, 1, 2, 5)), min_size=1, max_size=3)
"""Days, of workers at once; 0 leaves out nobody. Who restarts with another is another worker."""


EDGES = [
    FollowCreated(version=1, follower_id=follower, followee_id=author)
    for author in PEOPLE
    for follower in EVERYBODY
    if follower != author
]


def _posted(authors: list[int]) -> list[Fact]:
    written = zip(POSTS[-len(authors) :], authors, strict=True)
    return [
        *EDGES,
        *(PostCreated(version=1, post_id=post, author_id=author) for post, author in written),
    ]


plain = st.lists(st.sampled_from(PEOPLE), min_size=4, max_size=7).map(_posted)
"""Everybody follows everybody, and nothing hides what they write: whatever is left out shows."""
stories = plain | histories() | peopled_histories()


class Village:
    """A world in which people sleep, beside one that is told the same and leaves out nobody."""

    def __init__(self, chance: Random, days: list[int], failing: float) -> None:
        self._chance = chance
        stores = memory_stores()
        self._activity = stores.activity
        meddled = Stores(*(ConcurrentWriter(each, chance, failing) for each in stores))
        self._workers = [
            InactiveUsers(meddled.activity, each, self.clock, self._seconds)
            for each in days
            if each
        ]
        active = [each.active_followers for each in self._workers]
        self.world = World(
            stores=stores, active_followers=[*active, *[everyone_active] * days.count(0)]
        )
        self._wakeful = World()
        self._apis = [self._api(meddled) for _ in range(2)]
        self._looks: dict[InactiveUsers, asyncio.Task[None]] = {}

    def _api(self, stores: Stores) -> ReturningUsers:
        retention = self.world.retention
        home = Home(Reader(stores, self.clock), retention, pulled_age_ms=0)
        rebuild = Rebuild(stores, retention, self.clock)
        return ReturningUsers(home, stores.activity, rebuild, METRICS, self.clock, wait=self._wait)

    def clock(self) -> int:
        return self.world.now

    def _seconds(self) -> float:
        return self.world.now / 1_000

    async def _wait(self, seconds: float) -> None:
        end = self._seconds() + seconds
        while self._seconds() < end:  # noqa: ASYNC110 - time is what the test lets pass
            await asyncio.sleep(0)

    async def lives(self, history: list[Fact]) -> None:
        """All of a history is told and delivered, and whatever may happens in between."""
        follows: list[Any] = [each for each in history if isinstance(each, FollowFact)]
        rest: list[Fact] = [each for each in history if not isinstance(each, FollowFact)]
        if self._chance.random() < 0.2:  # backfills bring most of what is left out
            follows, rest = [], history
        await self._tell(follows)
        await self._fall_asleep()
        await self._tell(rest)

    async def _tell(self, facts: list[Fact]) -> None:
        for role, batch in turns(facts, self._chance):
            await self._told(batch, role)
            while self.world.outbox.sent and self._chance.random() < 0.5:
                await self._told(some(self.world.outbox.sent, self._chance), None)
        while self.world.outbox.sent:
            await self._told(some(self.world.outbox.sent, self._chance), None)

    async def _told(self, batch: list[Fact], role: str | None) -> None:
        for _ in range(self._chance.choice((0, 0, 1, 2, 6))):
            await self._something()
        await self.world.handle(batch, role)
        await self._wakeful.handle(batch, role)
        self._wakeful.outbox.sent.clear()  # both are handed what the first has asked for
        if self._chance.random() < 0.5:
            await self._nobody_lacks_what_he_is_not_told_of()

    async def _nobody_lacks_what_he_is_not_told_of(self) -> None:
        """Whoever would read now, and be told that his home is whole, finds what the other has."""
        for user in EVERYBODY:
            if not (await self._activity.load(user)).may_lack_entries:
                await self._has_all(user, await self._wakeful.home.page(user, ALL))

    async def _has_all(self, user: UserId, of_the_other: Page) -> None:
        """Nothing that the other has delivered is missing.

        Its page may show more: a followed tag shows a post of a followee before it is delivered.
        """
        homes = await self.world.reader.stores.home_timelines.pin()
        others_homes = await self._wakeful.reader.stores.home_timelines.pin()
        for item in of_the_other.items:
            if item.reason.kind != "tag" and await others_homes.in_home(user, item.post_id):
                assert await homes.in_home(user, item.post_id)

    async def _fall_asleep(self) -> None:
        """Some of them, before anything is told."""
        some_users = np.array(self._chance.sample(EVERYBODY, self._chance.randint(0, 5)), np.int64)
        await self._activity.raise_numbers(
            ActivityKind.DORMANT, some_users, np.ones(len(some_users), np.int64)
        )
        for worker in self._workers * 2:
            await _looking(worker)

    async def _something(self) -> None:
        match self._chance.choice(("look", "look", "read", "read", "moments", "days")):
            case "look":
                self._look()
            case "read":
                await self._reads(self._chance.choice(EVERYBODY))
            case "moments":
                self._pass(self._chance.randint(0, int(MAX_AGE_SECONDS)) * 1_000)
            case "days" if self.world.now < NOW + MOST_DAYS * DAY_MS:
                self._pass(self._chance.randint(1, 3) * DAY_MS)
                self._look()
        for _ in range(self._chance.choice((*TURNS, AS_FAR_AS_IT_GOES))):
            await asyncio.sleep(0)

    def _pass(self, milliseconds: int) -> None:
        self.world.now += milliseconds
        self._wakeful.now = self.world.now

    def _look(self) -> None:
        """Of all workers, those that are not at it."""
        for each in self._workers:
            if each not in self._looks or self._looks[each].done():
                self._looks[each] = asyncio.create_task(_looking(each))

    async def _reads(self, user: UserId) -> bool:
        """Whether he was given a page that says nothing of itself; such a one lacks nothing."""
        before = await self._wakeful.home.page(user, ALL)
        page = await self._page(user)
        if page is None or page.building:
            return False
        await self._has_all(user, before)
        return True

    async def _page(self, user: UserId) -> Page | None:
        try:
            return await self._chance.choice(self._apis).page(user, ALL)
        except Transient:
            return None

    async def all_return(self) -> None:
        """Each reads until he is told that this is all."""
        for user in EVERYBODY:
            while not await self._reads(user):
                self._pass(int(SETTLE_SECONDS * 1_000))
                for _ in range(AS_FAR_AS_IT_GOES):
                    await asyncio.sleep(0)


async def _looking(worker: InactiveUsers) -> None:
    try:
        await worker.scan()
    except Transient:
        """It is as if it had not looked."""


def test_who_returns_finds_what_the_model_has(prove: Prove) -> None:
    """Whoever was left out, by whichever threshold, whenever he read; and no page lies."""

    async def holds(history: list[Fact], chance: Random, days: list[int]) -> None:
        village = Village(chance, days, failing=0)
        await village.lives(history)
        await village.all_return()
        assert_same(await village.world.shows(), says(history, now=village.clock()))

    prove(holds, 50, stories, chances, thresholds)


def test_a_store_that_fails_makes_nobody_lose_anything(prove: Prove) -> None:
    """A look, a note or a return that ends midway is begun anew."""

    async def holds(history: list[Fact], chance: Random, days: list[int]) -> None:
        village = Village(chance, days, failing=0.05)
        await village.lives(history)
        await village.all_return()
        assert_same(await village.world.shows(), says(history, now=village.clock()))

    prove(holds, 20, stories, chances, thresholds)
