"""The contract of `services.generations.store`, and of home timelines in generations."""

from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple
from uuid import uuid4

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from schemas.ids import PostId, UserId
from services.errors import StoreUnavailable
from services.generations.cassandra import CassandraGenerations
from services.generations.generations import Generations
from services.generations.memory import MemoryGenerations
from services.generations.store import Acknowledgement, GenerationStore
from services.generations.view import FRESH_SECONDS, FixedGeneration, FollowedGenerations
from services.metrics.metrics import Metrics
from services.retention import Retention
from services.settings.settings import Settings
from services.span import Span
from services.storage.generation_tables import FIRST
from services.storage.migrations import available_migrations
from services.storage.session import connect
from services.timelines.cassandra import CassandraHomeGeneration
from services.timelines.generational import GenerationalHomeTimelines
from services.timelines.memory import MemoryHomeGeneration
from services.timelines.store import EntryBlock, HomeGeneration, HomeTimelineStore
from tests.contracts.histories import NOW, NewPost, People


def new_plan() -> str:
    """A plan's name, which no other has: retiring what a plan filled voids it."""
    return uuid4().hex


class Kept(NamedTuple):
    """A list of generations, and how one of them is opened."""

    list: GenerationStore
    opened: Callable[[str], HomeGeneration]

    async def change(self, change: Callable[[Generations], Generations]) -> Generations:
        known = await self.list.load()
        wanted = change(known)
        assert wanted is known or await self.list.change(known, wanted)
        return wanted

    async def new(self, name: str) -> None:
        await self.list.create(name)
        plan = new_plan()
        await self.change(lambda known: known.add(name, plan).mark_filled(name, plan))

    async def retire(self, name: str) -> None:
        await self.change(lambda known: known.retire(name))
        await self.list.drop(name)
        await self.change(lambda known: known.remove(name))


class Time:
    """A clock that stands still."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def passes(self) -> None:
        self.now += FRESH_SECONDS


async def with_first_alone(kept: Kept) -> None:
    """As it was; the list is one for all tests on a keyspace."""
    known = await kept.list.load()
    if known.live != FIRST:
        await kept.change(lambda known: known.cutover(FIRST))
    for each in known.listed:
        if each.name != FIRST:
            await kept.retire(each.name)


@pytest.fixture(params=["memory", pytest.param("cassandra", marks=pytest.mark.integration)])
async def kept(request: pytest.FixtureRequest) -> AsyncIterator[Kept]:
    if request.param == "memory":
        homes: dict[str, HomeGeneration] = {}

        def opened(name: str) -> HomeGeneration:
            return homes.setdefault(name, MemoryHomeGeneration(name))

        class Memory(MemoryGenerations):
            async def drop(self, name: str) -> None:
                homes.pop(name, None)

        yield Kept(Memory(), opened)
        return
    settings: Settings = request.getfixturevalue("usual_keyspace")
    store = await connect(settings, Metrics(CollectorRegistry()))

    def on_cassandra(name: str) -> HomeGeneration:
        return CassandraHomeGeneration(store, Retention(days=30), lambda: NOW, generation=name)

    kept = Kept(CassandraGenerations(store, settings, available_migrations()), on_cassandra)
    try:
        yield kept
    finally:
        await with_first_alone(kept)
        await store.close()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def homes(kept: Kept, time: Time) -> HomeTimelineStore:
    return GenerationalHomeTimelines(FollowedGenerations(kept.list.load, time), kept.opened)


async def add(homes: HomeTimelineStore, user: UserId, *posts: PostId) -> None:
    await homes.add_home_entries([EntryBlock(np.array([user]), np.array(posts))])


async def page(homes: HomeTimelineStore, user: UserId) -> list[PostId]:
    return await (await homes.pin()).home_page(user, Span(), 9)


async def test_a_change_is_seen_and_whoever_was_late_changes_nothing(kept: Kept) -> None:
    known = await kept.list.load()
    wanted = known.add("b", new_plan())
    assert await kept.list.change(known, wanted)
    assert await kept.list.load() == wanted
    assert not await kept.list.change(known, known.add("c", new_plan()))
    assert await kept.list.load() == wanted


async def test_a_change_that_is_sent_twice_is_done_once(kept: Kept) -> None:
    """Whoever did not hear the answer asks again."""
    known = await kept.list.load()
    wanted = known.add("b", new_plan())
    assert await kept.list.change(known, wanted)
    if isinstance(kept.list, CassandraGenerations):
        assert await kept.list.change(known, wanted)
    assert await kept.list.load() == wanted


async def test_of_what_a_worker_acknowledged_the_newest_stays(kept: Kept) -> None:
    for number in (7, 9, 8):
        await kept.list.acknowledge(["a", "b"], Acknowledgement(number, 1_000 + number))
    await kept.list.acknowledge(["b"], Acknowledgement(10, 5))
    said = await kept.list.acknowledgements()
    assert (said["a"], said["b"]) == (Acknowledgement(9, 1_009), Acknowledgement(10, 5))


async def test_all_generations_are_written_and_one_is_read(
    kept: Kept, homes: HomeTimelineStore, time: Time, people: People, new_post: NewPost
) -> None:
    """A new one begins empty; a cutover and a rollback lose nothing of what came meanwhile."""
    before, while_filling, after, back = (new_post(days_old=4 - n) for n in range(4))
    await add(homes, people.alice, before)
    await kept.new("b")
    time.passes()
    await add(homes, people.alice, while_filling)
    assert await page(homes, people.alice) == [while_filling, before]
    await kept.change(lambda known: known.cutover("b"))
    time.passes()
    assert await page(homes, people.alice) == [while_filling]
    assert not await (await homes.pin()).in_home(people.alice, before)
    await add(homes, people.alice, after)
    arrived = await (await homes.pin()).arrivals([people.alice], before)
    assert sorted(arrived[people.alice]) == [while_filling, after]
    await kept.change(Generations.rollback)
    time.passes()
    assert await page(homes, people.alice) == [after, while_filling, before]
    await add(homes, people.alice, back)
    assert await page(homes, people.alice) == [back, after, while_filling, before]


async def test_a_page_is_of_one_generation(
    kept: Kept, homes: HomeTimelineStore, time: Time, people: People, new_post: NewPost
) -> None:
    """Whatever becomes of it meanwhile; what begins a second later is of the next one."""
    post = new_post()
    await add(homes, people.alice, post)
    pinned = await homes.pin()
    await kept.new("b")
    await kept.change(lambda known: known.cutover("b"))
    assert (pinned.generation, await pinned.home_page(people.alice, Span(), 9)) == (FIRST, [post])
    assert (await homes.pin()).generation == FIRST
    time.passes()
    assert (pinned.generation, await pinned.home_page(people.alice, Span(), 9)) == (FIRST, [post])
    assert (await homes.pin()).generation == "b"
    assert await page(homes, people.alice) == []


async def test_a_replay_writes_its_own_generation(
    kept: Kept, homes: HomeTimelineStore, time: Time, people: People, new_post: NewPost
) -> None:
    """And whoever looks at it before the cutover reads it; without it, nothing can be done yet."""
    following = FollowedGenerations(kept.list.load, time)
    own = GenerationalHomeTimelines(FixedGeneration(following, "b"), kept.opened)
    post = new_post()
    with pytest.raises(StoreUnavailable, match="generation b"):
        await add(own, people.alice, post)
    await kept.new("b")
    time.passes()
    await add(own, people.alice, post)
    assert (await own.pin()).generation == "b"
    assert await page(own, people.alice) == [post]
    assert await page(homes, people.alice) == []


async def test_what_retires_is_written_no_more_and_its_name_is_free(
    kept: Kept, homes: HomeTimelineStore, time: Time, people: People, new_post: NewPost
) -> None:
    """A write that began before goes to the others; a new one of that name begins empty."""
    old, late, new = (new_post(days_old=3 - n) for n in range(3))
    await kept.new("b")
    await add(homes, people.alice, old)
    await kept.retire("b")
    await add(homes, people.alice, late)  # by the list that it still knows
    assert await page(homes, people.alice) == [late, old]
    await kept.new("b")
    time.passes()
    await add(homes, people.alice, new)
    await kept.change(lambda known: known.cutover("b"))
    time.passes()
    assert await page(homes, people.alice) == [new]


async def test_the_first_may_retire_and_come_again(
    kept: Kept, homes: HomeTimelineStore, time: Time, people: People, new_post: NewPost
) -> None:
    """Its tables stay, and are empty then."""
    old, new = new_post(days_old=2), new_post()
    await add(homes, people.alice, old)
    await kept.new("b")
    await kept.change(lambda known: known.cutover("b"))
    await kept.retire(FIRST)
    await kept.new(FIRST)
    time.passes()
    await add(homes, people.alice, new)
    await kept.change(lambda known: known.cutover(FIRST))
    time.passes()
    assert await page(homes, people.alice) == [new]


async def test_an_error_of_a_generation_that_is_written_is_told(
    kept: Kept, people: People, new_post: NewPost, time: Time
) -> None:
    """Only where nobody writes it any more it does not matter."""

    class Away:
        generation = FIRST

        async def add_home_entries(self, *_: Any) -> None:
            raise StoreUnavailable("away")

    broken: Any = Away()
    homes = GenerationalHomeTimelines(FollowedGenerations(kept.list.load, time), lambda _: broken)
    with pytest.raises(StoreUnavailable, match="away"):
        await add(homes, people.alice, new_post())


async def test_numbers_of_lists_only_rise_for_a_process(kept: Kept, time: Time) -> None:
    """An answer that was late is no step back."""
    known = await kept.list.load()
    newer = known.add("b", new_plan())
    answers = [newer, known]

    async def load() -> Generations:
        return answers.pop(0)

    following = FollowedGenerations(load, time)
    assert await following.current() == newer
    assert await following.refresh() == newer
    assert await following.current() == newer
