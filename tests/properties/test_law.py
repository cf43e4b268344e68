"""state = F(log, now): whatever the order, the batches, the repetitions and the workers."""

from random import Random
from typing import get_args

from hypothesis import strategies as st

from schemas.ids import DAY_MS, PostId, UserId
from services.readers.author import AuthorPosts
from services.readers.paging import PageRequest
from services.readers.post import read_post
from services.readers.thread_shape import ThreadSort
from tests.histories import (
    PEOPLE,
    POSTS,
    READER,
    RETENTION_DAYS,
    Fact,
    chances,
    conversations,
    histories,
    log,
)
from tests.model import Model
from tests.properties.concurrent_writer import ConcurrentWriter
from tests.properties.conftest import Prove
from tests.properties.world import World, assert_same, says
from tests.relation_histories import peopled_histories
from tests.shown import shown

sorts = st.sampled_from(get_args(ThreadSort))


def test_what_is_shown_is_what_the_model_says(prove: Prove) -> None:
    """Every home and every thread, for every viewer, in every order of a thread."""

    async def holds(history: list[Fact], chance: Random, sort: ThreadSort) -> None:
        world = await World().deliver(history, chance)
        assert_same(await world.shows(sort), says(history, sort))

    prove(holds, 150, histories(), chances, sorts)


def test_what_people_say_of_each_other_decides_as_the_model_says(prove: Prove) -> None:
    """Blocks, mutes, words, lists, gates, accounts and edges' options, in every home and thread."""

    async def holds(history: list[Fact], chance: Random) -> None:
        world = await World().deliver(history, chance)
        assert_same(await world.shows(), says(history))

    prove(holds, 100, peopled_histories(), chances)


def test_conversations_are_joined_in_any_order(prove: Prove) -> None:
    """Also over parents that are never known, by claims that name replies or close a cycle."""

    async def holds(history: list[Fact], chance: Random) -> None:
        world = await World().deliver(history, chance)
        assert_same(await world.shows(), says(history))

    prove(holds, 100, conversations(), chances)


def test_any_two_orders_give_the_same_state(prove: Prove) -> None:
    """What is shown does not depend on how the facts arrived."""

    async def holds(history: list[Fact], one: Random, other: Random) -> None:
        first = await World().deliver(history, one)
        second = await World().deliver(history, other)
        assert_same(await first.shows(), await second.shows())

    prove(holds, 40, histories(), chances, chances)


def test_replaying_any_part_changes_nothing(prove: Prove) -> None:
    """Some of the facts come again, when all the others have been handled."""

    async def holds(history: list[Fact], chance: Random) -> None:
        world = await World().deliver(history, chance)
        before = await world.shows()
        await world.deliver(chance.sample(history, chance.randint(0, len(history))), chance)
        assert_same(await world.shows(), before)

    prove(holds, 40, histories(), chances)


def test_what_is_shown_so_far_is_what_the_model_says_so_far(prove: Prove) -> None:
    """Half a history is a history too: nothing waits for what may never come."""

    async def holds(early: list[Fact], late: list[Fact], chance: Random) -> None:
        world = await World().deliver(early, chance)
        assert_same(await world.shows(), says(early))
        await world.deliver(late, chance)
        assert_same(await world.shows(), says([*early, *late]))

    prove(holds, 30, histories(), histories(), chances)


def test_workers_at_once_that_fail_midway_give_the_same_state(prove: Prove) -> None:
    """Their steps interleave, each may fail, before or after it took effect, and is done again."""

    async def holds(history: list[Fact], chance: Random, failing: float) -> None:
        world = World(between=lambda port: ConcurrentWriter(port, chance, failing))
        await world.deliver_by(3, history, chance)
        assert_same(await world.shows(), says(history))

    prove(holds, 60, histories() | conversations(), chances, st.sampled_from((0, 0.02, 0.1)))


def test_authors_pages_and_posts_show_what_the_model_says(prove: Prove) -> None:
    """An author's page has no retention, and nothing in it answers to a follow edge's options."""

    async def holds(history: list[Fact], chance: Random) -> None:
        world = await World().deliver(history, chance)
        model, request = Model(log(history)), PageRequest(limit=100)
        for viewer in (UserId(PEOPLE[0]), UserId(READER), None):
            for post in map(PostId, POSTS):
                item = await read_post(world.reader, post, viewer)
                seen = post in model.posts and not model.placeholder(viewer, post)
                assert (item and shown(item)) == (model.post(viewer, post) if seen else None)
            for author in map(UserId, PEOPLE):
                page = await AuthorPosts(world.reader).page(author, viewer, request)
                mine = sorted(model.written[author], reverse=True)
                readable = [post for post in mine if not model.placeholder(viewer, post)]
                assert [item.post_id for item in page.items] == readable

    prove(holds, 40, histories(), chances)


def test_what_is_explained_is_what_is_shown(prove: Prove) -> None:
    """And what is shown through a follow edge has been stored: the write side misses nothing."""

    async def holds(history: list[Fact], chance: Random) -> None:
        world = await World().deliver(history, chance)
        for viewer in map(UserId, (*PEOPLE, READER)):
            page = await world.home.page(viewer, PageRequest(limit=100))
            home = {item.post_id for item in page.items}
            for post in map(PostId, POSTS):
                why = await world.home.explain(viewer, post)
                assert (why is not None and why.shown) == (post in home)
                if why is not None and why.path == "pushed" and why.shown:
                    assert why.stored

    prove(holds, 40, histories(), chances)


def test_time_takes_from_homes_what_is_past_its_retention(prove: Prove) -> None:
    """And nothing else; a retention of 0 is for ever."""

    async def holds(history: list[Fact], chance: Random, days: int, later: int) -> None:
        world = await World(days).deliver(history, chance)
        world.now += later
        assert_same(await world.shows(), says(history, days=days, now=world.now))

    days = st.sampled_from((0, RETENTION_DAYS))
    later = st.sampled_from((0, 1, 2, DAY_MS, RETENTION_DAYS * DAY_MS - 3 * 60_000))
    prove(holds, 40, histories(), chances, days, later)
