"""The pages of a thread: together they are the whole, in every order, whatever its bounds."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from random import Random
from typing import Any, get_args
from unittest.mock import patch

import pytest
from hypothesis import strategies as st

from schemas.events import FollowCreated, PostCreated, ReplyCreated
from schemas.ids import PostId, UserId, post_id, post_time
from services.posts.memory import MemoryPosts
from services.posts.post import Post
from services.readers.thread import Threads
from services.readers.thread_shape import ThreadBounds, ThreadPlace, ThreadShape, ThreadSort
from tests.histories import NOW, PEOPLE, POSTS, VIEWERS, Fact, chances, conversations, log
from tests.model import Model, threads
from tests.properties.conftest import Prove
from tests.properties.world import World
from tests.relation_histories import peopled_histories
from tests.shown import placed

ALICE, BOB, CAROL, READER = 1, 2, 3, 4
FEW = ThreadBounds(below=4, siblings=3, counted=2)
BRANCHES = 2
CROWD = 1_300

sorts = st.sampled_from(get_args(ThreadSort))
limits = st.integers(1, 3)
Rows = list[dict[str, Any]]


@contextmanager
def few() -> Iterator[None]:
    """The model with the bounds of FEW."""
    with patch.multiple(threads, EARLY=3, COUNTED=2, BRANCHES=BRANCHES, BELOW_EACH_REPLY=4):
        yield


async def pages_of(
    reader: Threads, asked: int, viewer: int | None, shape: ThreadShape
) -> list[Rows] | None:
    """All pages of a thread, each behind the one before."""
    who = None if viewer is None else UserId(viewer)
    pages: list[Rows] = []
    behind: ThreadPlace | None = None
    while behind is not None or not pages:
        page = await reader.page(PostId(asked), who, shape, behind)
        if page is None:
            return None
        pages.append([placed(each) for each in page.items])
        behind = page.next
    return pages


@st.composite
def crowds(draw: st.DrawFn) -> list[Fact]:
    """A conversation of few levels and many replies, by people some of whom the others follow."""
    facts: list[Fact] = []
    for place in range(draw(st.integers(8, 20))):
        post = post_id(NOW - 60_000 + place, place)
        whose = {
            "version": post_time(post) * 1_000,
            "post_id": post,
            "author_id": draw(st.sampled_from(PEOPLE)),
        }
        if not place:
            facts.append(PostCreated(**whose))
            continue
        above = draw(st.sampled_from((0, 0, 1 % place, 1 % place, place - 1)))
        facts.append(ReplyCreated(**whose, parent_id=post_id(NOW - 60_000 + above, above)))
    follows = draw(st.lists(st.sampled_from(PEOPLE), max_size=2, unique=True))
    return [*facts, *(FollowCreated(version=0, follower_id=READER, followee_id=p) for p in follows)]


async def assert_pages(  # noqa: PLR0917 - what is drawn, and who asks for what
    history: list[Fact],
    chance: Random,
    sort: ThreadSort,
    limit: int,
    viewers: Sequence[int | None],
    posts: Sequence[int],
) -> None:
    world = await World().deliver(history, chance)
    reader, model = Threads(world.reader, FEW), Model(log(history), NOW)
    shape = ThreadShape(sort, branches=BRANCHES, limit=limit)
    for viewer in viewers:
        for post in posts:
            with few():
                expected = model.thread_pages(viewer, post, sort, limit)
            assert await pages_of(reader, post, viewer, shape) == expected, (viewer, post)


def test_every_page_is_the_models(prove: Prove) -> None:
    """Where many replies are more than is looked at, given or counted, in every order."""

    async def holds(history: list[Fact], chance: Random, sort: ThreadSort, limit: int) -> None:
        await assert_pages(history, chance, sort, limit, VIEWERS, POSTS)

    prove(holds, 150, conversations() | peopled_histories(), chances, sorts, limits)


def test_every_page_of_a_crowd_is_the_models(prove: Prove) -> None:
    """Where nearly every post has more replies than are looked at."""

    async def holds(history: list[Fact], chance: Random, sort: ThreadSort, limit: int) -> None:
        posts = [each["post_id"] for each in log(history)[:2]]
        await assert_pages(history, chance, sort, limit, (READER, BOB), posts)

    prove(holds, 150, crowds(), chances, sorts, limits)


def test_pages_while_replies_arrive_give_what_was_there_once(prove: Prove) -> None:
    """In the orders by time; what arrives meanwhile may be given."""

    async def holds(
        history: list[Fact], chance: Random, newest: bool, limit: int, late: int
    ) -> None:
        sort: ThreadSort = "newest" if newest else "oldest"
        arriving = chance.sample(history[1:], min(late, len(history) - 1))
        world = await World().deliver([f for f in history if f not in arriving], chance)
        reader, shape = Threads(world.reader), ThreadShape(sort, limit=limit)
        root = PostId(log(history)[0]["post_id"])
        before = await reader.read(root, UserId(READER), shape) or []
        given: list[int] = []
        behind: ThreadPlace | None = None
        while behind is not None or not given:
            page = await reader.page(root, UserId(READER), shape, behind)
            assert page is not None
            given += [each.post_id for each in page.items if each.depth <= 1]
            behind = page.next
            if arriving:
                await world.deliver([arriving.pop()], chance)
        there = [each.post_id for each in before if each.depth <= 1]
        assert len(given) == len(set(given))
        assert [each for each in given if each in there] == there

    prove(holds, 60, crowds(), chances, st.booleans(), limits, st.integers(1, 6))


class CountingPosts:
    """Posts of which it is known how many were asked for."""

    def __init__(self, port: Any) -> None:
        self._port = port
        self.loaded = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._port, name)

    async def load(self, posts: Collection[PostId]) -> dict[PostId, Post]:
        self.loaded += len(set(posts))
        found: dict[PostId, Post] = await self._port.load(posts)
        return found


def test_a_page_ends_early_where_its_posts_would_be_too_many(prove: Prove) -> None:
    """No more are loaded than the bound says; on the pages behind is what was left out."""

    async def holds(history: list[Fact], chance: Random, sort: ThreadSort, most: int) -> None:
        world = await World().deliver(history, chance)
        assert isinstance(world.reader.stores.posts, MemoryPosts)
        posts = CountingPosts(world.reader.stores.posts)
        stores = world.reader.stores._replace(posts=posts)
        bounds = ThreadBounds(posts=most, refills=50)
        reader = Threads(type(world.reader)(stores, world.clock), bounds)
        root = log(history)[0]["post_id"]
        given, behind = list[int](), None
        while behind is not None or not given:
            posts.loaded = 0
            page = await reader.page(PostId(root), UserId(READER), ThreadShape(sort), behind)
            assert page is not None
            assert posts.loaded <= most
            given += [each.post_id for each in page.items if each.depth == 1]
            behind = page.next
            if behind is None:
                break
        whole = Model(log(history)).thread(READER, root, sort) or []
        assert given == [row["post_id"] for row in whole if row["depth"] == 1]

    prove(holds, 60, crowds(), chances, sorts, st.integers(4, 9))


@pytest.fixture
async def crowd() -> World:
    """1,300 replies of bob's to a post of alice's; hers and the reader's are the last of them.

    The reader follows carol, who wrote the 900th and the last but two.
    """
    authors = [BOB] * (CROWD - 2) + [READER, ALICE]
    authors[900] = authors[-3] = CAROL
    facts: list[Fact] = [PostCreated(version=0, post_id=spot(0), author_id=ALICE)]
    facts += [
        ReplyCreated(version=0, post_id=spot(place), author_id=author, parent_id=spot(0))
        for place, author in enumerate(authors, 1)
    ]
    facts.append(FollowCreated(version=0, follower_id=READER, followee_id=CAROL))
    world = World()
    await world.handle(facts, "ingest")
    return world


def spot(place: int) -> int:
    return post_id(NOW - 3_600_000 + place, place)


async def test_of_more_than_a_thousand_replies_none_is_cut(crowd: World) -> None:
    """Each is given once: alice's, the reader's and carol's among the oldest thousand first."""
    shape = ThreadShape(limit=400)
    pages = await pages_of(crowd.threads, spot(0), READER, shape) or []
    assert [len(page) for page in pages] == [401, 400, 400, 100]
    given = [row["post_id"] for page in pages for row in page]
    first = [spot(place) for place in (0, CROWD, CROWD - 1, 901)]
    assert given == [*first, *(spot(p) for p in range(1, CROWD - 1) if p != 901)]


@pytest.mark.parametrize(("sort", "step"), [("oldest", 1), ("newest", -1)])
async def test_in_orders_by_time_all_are_given_by_time(
    crowd: World, sort: ThreadSort, step: int
) -> None:
    """Whoever wrote them."""
    pages = await pages_of(crowd.threads, spot(0), READER, ThreadShape(sort)) or []
    assert [row["post_id"] for page in pages for row in page][1:] == [
        spot(place) for place in range(1, CROWD + 1)
    ][::step]


async def test_the_post_asked_for_counts_what_its_page_leaves_out(crowd: World) -> None:
    """Up to 100 of them."""
    for limit, cut in ((100, 100), (400, 100)):
        page = await crowd.threads.page(PostId(spot(0)), None, ThreadShape(limit=limit))
        assert page is not None
        assert (page.items[0].truncated, len(page.items)) == (cut, 1 + limit)


async def test_what_has_no_author_by_its_parent_yet_is_given_in_its_time(crowd: World) -> None:
    """As a release wrote it that kept no authors: nothing is lost, alice's are not the first."""
    world = crowd
    stored: Any = world.reader.stores.conversations

    class WithoutAuthors:
        async def children(self, *asked: Any) -> Any:
            found = await stored.children(*asked)
            return {p: [each._replace(author_id=None) for each in c] for p, c in found.items()}

        async def children_by(self, *_: Any) -> dict[PostId, list[PostId]]:
            return {}

        orphans = stored.orphans

    stores = world.reader.stores._replace(conversations=WithoutAuthors())
    reader = Threads(type(world.reader)(stores, world.clock))
    pages = await pages_of(reader, spot(0), READER, ThreadShape(limit=400)) or []
    given = [row["post_id"] for page in pages for row in page]
    assert given[1] == spot(901)
    assert sorted(given) == [spot(place) for place in range(CROWD + 1)]
