"""Catch-up says what the model says, in any order of arrival, and nothing that home would not."""

from collections.abc import Sequence
from itertools import pairwise
from random import Random
from typing import Any

from hypothesis import strategies as st

from schemas.events import FollowCreated, PostCreated
from schemas.ids import DAY_MS, UserId, post_id
from services.readers.catch_up import CatchUpReader
from services.readers.paging import PageRequest
from tests.histories import NOW, PEOPLE, READER, RETENTION_DAYS, Fact, chances, log
from tests.model import Model
from tests.properties.conftest import Prove
from tests.properties.test_talk import talks
from tests.properties.world import World
from tests.relation_histories import whole_histories
from tests.shown import shown

TALKERS = (*PEOPLE, READER)
CAST = tuple(post_id(NOW - 3_600_000 + each, 40 + each) for each in range(7))
FOLLOWS = [
    FollowCreated(version=1, follower_id=by, followee_id=whom)
    for by in TALKERS
    for whom in PEOPLE
    if by != whom
]
"""Under what histories say later: most that is written is in some home."""


@st.composite
def busy(draw: st.DrawFn) -> list[Fact]:
    """A talk among people of whom one may broadcast."""
    author = draw(st.sampled_from(PEOPLE))
    cast = [
        PostCreated(version=1, post_id=each, author_id=author)
        for each in CAST[: draw(st.sampled_from((0, 4, 5, 7)))]
    ]
    return [*FOLLOWS, *cast, *draw(talks())]


histories = busy() | busy() | whole_histories()


def model(facts: Sequence[Fact]) -> Model:
    return Model(log(facts), NOW, RETENTION_DAYS * DAY_MS)


async def assert_agrees(world: World, expected: Model, since: int | None) -> None:
    reader = CatchUpReader(world.home, world.reader, world.retention)
    for viewer in map(UserId, TALKERS):
        found = await reader.read(viewer, since)
        mark = (await world.home.marked_page(viewer, PageRequest(1))).mark
        start = mark if since is None and isinstance(mark, int) else -1
        if since is not None or isinstance(mark, int):
            oldest = max(since or 0, NOW - 7 * DAY_MS)
            start = max(start, post_id(oldest, 0) - 1)
        news = expected.catch_up(viewer, start)
        home = {item["post_id"]: item for item in expected.home(viewer)}
        assert {line.root_id for line in found.conversations} == news["talks"].keys(), viewer
        for line in found.conversations:
            posts = news["talks"][line.root_id]
            authors = [expected.posts[each]["author_id"] for each in reversed(posts)]
            assert list(line.participants) == list(dict.fromkeys(authors))
            assert [shown(item) for item in line.posts] == [home[i.post_id] for i in line.posts]
            others = [each for each in posts if each in news["scores"]]
            given = [item.post_id for item in line.posts]
            assert given == sorted(given)
            assert len(given) == min(5, len(others))
            left = [news["scores"][each] for each in others if each not in given]
            assert min(news["scores"][each] for each in given) >= max(left, default=-99) - 1e-5
        best = [best_of(line, news, expected, viewer) for line in found.conversations]
        for before, after in pairwise(best):
            assert before[0] < after[0] or (before[0] == after[0] and before[1] >= after[1] - 1e-5)
        assert [list(each) for each in found.broadcasts] == [
            [by, count, newest]
            for by, (count, newest) in sorted(news["broadcasts"].items(), key=lambda b: -b[1][1])
        ]
        assert (found.folded, found.more) == (news["folded"], False)


def best_of(line: Any, news: Any, expected: Model, viewer: int) -> tuple[bool, float]:
    """Whether nobody whom the viewer follows is in it, and its best score."""
    near = {viewer, *expected.edges[viewer]}
    posts = news["talks"][line.root_id]
    is_far = not any(expected.posts[each]["author_id"] in near for each in posts)
    return is_far, max(news["scores"][item.post_id] for item in line.posts)


starts = st.sampled_from((None, None, NOW - 9 * DAY_MS, NOW - 3_600_000))


def test_everybody_is_told_what_is_new(prove: Prove) -> None:
    """Whatever the order in which it arrived, and again when it comes twice."""

    async def holds(facts: list[Fact], chance: Random, since: int | None) -> None:
        world, expected = await World().deliver(facts, chance), model(facts)
        await assert_agrees(world, expected, since)
        await world.deliver(chance.sample(facts, chance.randint(0, len(facts))), chance)
        await assert_agrees(world, expected, since)

    prove(holds, 100, histories, chances, starts)
