"""Rule 4: in each window of an original one place, whatever the order and whoever fails."""

from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import strategies as st

from schemas.events import FollowCreated, PostCreated
from schemas.ids import PostId, UserId, post_id, post_time
from services.errors import StoreUnavailable
from services.handlers.outbox import MemoryRequestOutbox
from services.handlers.pages import FanOutPolicy
from services.readers.paging import PageRequest
from services.span import Span
from tests.histories import NOW, PEOPLE, READER, Fact, chances, log
from tests.model import Model
from tests.properties.concurrent_writer import ConcurrentWriter
from tests.properties.conftest import Prove
from tests.properties.world import World
from tests.relation_histories import WINDOW_POSTS, moving_reposts, window_histories
from tests.shown import shown

VIEWERS = [UserId(each) for each in (*PEOPLE, READER)]


async def agrees(world: World, facts: Sequence[Fact]) -> None:
    """Every home, on one page and in pages of one, and what is explained."""
    model = Model(log(facts), NOW)
    for viewer in VIEWERS:
        expected = model.home(viewer)
        page = await world.home.page(viewer, PageRequest(limit=100))
        assert [shown(item) for item in page.items] == expected, viewer
        assert await one_by_one(world, viewer) == expected, viewer
        for post in map(PostId, WINDOW_POSTS):
            why = await world.home.explain(viewer, post)
            known = model.explain(viewer, post) if post in model.posts else None
            assert (why and (why.shown, why.rule)) == known, (viewer, post)


async def one_by_one(world: World, viewer: UserId) -> list[dict[str, Any]]:
    """A place does not depend on where pages end."""
    items, before = [], None
    while True:
        page = await world.home.page(viewer, PageRequest(limit=1, before=before))
        items += [shown(item) for item in page.items]
        if page.older is None:
            return items
        before = page.older


def test_places_and_names_are_the_models(prove: Prove) -> None:
    """For every viewer, in any order, some of it twice."""

    async def holds(history: list[Fact], chance: Random) -> None:
        await agrees(await World(days=0).deliver(history, chance), history)

    prove(holds, 60, window_histories(), chances)


def test_lines_of_reposts_are_followed_as_they_move(prove: Prove) -> None:
    """By workers at once that fail midway, before or after a step took effect."""

    async def holds(history: list[Fact], chance: Random, failing: float) -> None:
        world = World(days=0, between=lambda port: ConcurrentWriter(port, chance, failing))
        await agrees(await world.deliver_by(3, history, chance), history)

    histories = moving_reposts() | window_histories()
    prove(holds, 100, histories, chances, st.sampled_from((0, 0.02, 0.1)))


def test_a_follow_brings_its_windows_with_it(prove: Prove) -> None:
    """Whether the follow or what it brings comes first, and the original last of all."""

    async def holds(history: list[Fact], chance: Random) -> None:
        edges = [fact for fact in history if isinstance(fact, FollowCreated)]
        posts = [fact for fact in history if not isinstance(fact, FollowCreated)]
        last = [fact for fact in posts if isinstance(fact, PostCreated) and not fact.repost_of]
        first = [fact for fact in posts if fact not in last]
        world = World(days=0)
        for part in chance.sample((edges, first), 2):
            await world.deliver(part, chance)
        await agrees(world, [*edges, *first])
        await agrees(await world.deliver(last, chance), history)

    prove(holds, 40, moving_reposts() | window_histories(), chances)


async def told(*facts: Fact, days: float = 0) -> World:
    """A world in which these were told one by one, in this order."""
    world = World(days)
    for fact in facts:
        await world.handle([fact])
        while world.outbox.sent:
            await world.handle([world.outbox.sent.pop()])
    return world


def post(place: int, by: int, version: int = 0, **fields: Any) -> PostCreated:
    which = post_id(NOW - 3_600_000 + place, place)
    return PostCreated(
        version=post_time(which) * 1_000 + version, post_id=which, author_id=by, **fields
    )


async def test_a_repost_is_delivered_once_while_its_original_stays_the_same() -> None:
    """Also where the original comes last, or comes again."""
    original = post(0, 1)
    first = post(1, 2, repost_of=original.post_id)
    again = post(2, 3, repost_of=first.post_id)
    edges = [FollowCreated(version=0, follower_id=READER, followee_id=each) for each in (2, 3)]
    world = await told(*edges, first, again)
    for _ in range(2):
        await world.handle([original])
        assert not world.outbox.sent


async def test_a_line_that_gets_another_end_is_delivered_again() -> None:
    """What seemed to be an original is a repost itself; then another claim of it is none."""
    middle = post(1, 1, 5, repost_of=post(0, 4).post_id)
    first, second = (post(n, n, repost_of=middle.post_id) for n in (2, 3))
    edges = [FollowCreated(version=0, follower_id=READER, followee_id=each) for each in (2, 3)]
    facts = [*edges, first, second]
    world = await told(*facts)
    for fact in (middle, post(0, 4), post(1, 4, 3)):
        facts.append(fact)
        await world.deliver([fact], Random(0))
        model = Model(log(facts), NOW)
        page = await world.home.page(UserId(READER), PageRequest())
        assert [shown(item) for item in page.items] == model.home(READER)
    assert [item.repost and item.repost.by for item in page.items] == [(2, 3)]


async def test_a_post_that_is_reposted_by_thousands_takes_all_of_them_along() -> None:
    """More than are read at once, and some of them below others."""
    middle = post(1, 1, repost_of=post(0, 4).post_id)
    many = [post(10 + n, 2, repost_of=middle.post_id) for n in range(1_200)]
    below = [post(5_000 + n, 3, repost_of=each.post_id) for n, each in enumerate(many[:40])]
    edges = [FollowCreated(version=0, follower_id=READER, followee_id=each) for each in (2, 3)]
    world = World(0, policies=[FanOutPolicy()])
    for batch in (edges, many, below):
        await world.handle(batch)
    world.outbox.sent.clear()
    await world.handle([middle])
    asked = {(each.post_id, each.original_id) for each in world.outbox.sent}
    assert asked == {(each.post_id, middle.repost_of) for each in (*many, *below)}


class FailsOnce:
    """An outbox that takes nothing the first time; what is kept by then is remembered."""

    def __init__(self, outbox: Any) -> None:
        self._outbox = outbox
        self.fails = False
        self.look: Callable[[], Awaitable[None]]

    async def send(self, requests: Sequence[Any]) -> None:
        if requests:
            await self.look()
            if self.fails:
                self.fails = False
                raise StoreUnavailable("for the test")
        await self._outbox.send(requests)


async def test_a_repost_is_kept_then_asked_for_then_marked() -> None:
    """A backfill that comes between finds it, and who failed to ask asks again."""
    boxes: list[FailsOnce] = []

    def between(port: Any) -> Any:
        if isinstance(port, MemoryRequestOutbox):
            boxes.append(FailsOnce(port))
            return boxes[0]
        return port

    world, kept = World(0, between, [FanOutPolicy()]), []
    middle = post(1, 1, repost_of=post(0, 4).post_id)
    repost = post(2, 2, repost_of=middle.post_id)
    by = UserId(repost.author_id)

    async def look() -> None:
        pages = await world.reader.stores.reposts.author_pages([by], Span(), 9)
        kept.append({each.original_id for each in pages.get(by, ())})

    boxes[0].look = look
    await world.handle([FollowCreated(version=0, follower_id=READER, followee_id=by)])
    await world.handle([repost])
    boxes[0].fails = True
    with pytest.raises(StoreUnavailable):
        await world.handle([middle])
    await world.handle([middle])
    assert kept[1:] == [{middle.post_id}, *[{middle.post_id, middle.repost_of}] * 2]
    assert [getattr(each, "original_id", None) for each in world.outbox.sent] == [
        None,
        middle.post_id,
        middle.repost_of,
    ]
