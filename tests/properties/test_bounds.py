"""Where a line or a thread is longer than its bound, code and model cut it at the same place."""

from collections.abc import Sequence
from random import Random
from typing import get_args

import pytest
from msgspec.structs import replace

from schemas.events import FollowCreated, PostCreated, PostDeleted, Replies, ReplyCreated
from schemas.ids import PostId, UserId, post_id, post_time
from schemas.relations import AccountSuspended
from services.readers.paging import PageRequest
from services.readers.thread_shape import ThreadShape, ThreadSort
from tests.histories import NOW, Fact, log
from tests.model import Model
from tests.properties.world import World
from tests.shown import placed, shown

ALICE, BOB, CAROL, READER = 1, 2, 3, 4
Tree = Sequence[tuple[int, int]]
"""A post for each (place of its parent, author); the first is the root."""


def post(place: int) -> int:
    return post_id(NOW - 3_600_000 + place, place)


def created(tree: Tree) -> list[Fact]:
    facts: list[Fact] = []
    for place, (parent, author) in enumerate(tree):
        version = post_time(post(place)) * 1_000
        whose = {"version": version, "post_id": post(place), "author_id": author}
        facts.append(
            ReplyCreated(**whose, parent_id=post(parent)) if place else PostCreated(**whose)
        )
    return facts


def deleted(tree: Tree, *places: int) -> list[Fact]:
    return [PostDeleted(version=0, post_id=post(p), author_id=tree[p][1]) for p in places]


def line(length: int, *authors: int) -> Tree:
    """Each answers the one before; what `authors` do not say is alice's."""
    return [(max(0, p - 1), authors[p] if p < len(authors) else ALICE) for p in range(length)]


async def threads_agree(facts: Sequence[Fact], *places: int) -> list[list[dict[str, object]]]:
    """The threads of these posts, which the model has too."""
    world = await World().deliver(facts, Random(0))
    model = Model(log(facts))
    given = []
    for place in places:
        for sort in get_args(ThreadSort):
            thread = await world.threads.read(
                PostId(post(place)), UserId(READER), ThreadShape(sort=sort)
            )
            rows = [placed(each) for each in thread or ()]
            assert rows == (model.thread(READER, post(place), sort) or [])
        given.append(rows)
    return given


async def test_the_nearest_80_ancestors_and_20_levels_are_given() -> None:
    """In a line of 120."""
    middle, top, end = await threads_agree(created(line(120)), 90, 0, 119)
    assert [row["depth"] for row in middle] == list(range(-80, 21))
    assert middle[-1]["truncated"] == 1
    assert [row["depth"] for row in top] == list(range(21))
    assert [row["depth"] for row in end] == list(range(-80, 1))


async def test_ten_branches_are_given_but_of_direct_replies_all() -> None:
    """Of 15 replies to the root, each with 12 replies."""
    wide = [(0, ALICE), *[(0, BOB)] * 15, *[(1 + p // 12, CAROL) for p in range(15 * 12)]]
    (rows,) = await threads_agree(created(wide), 0)
    assert len(rows) == 1 + 15 + 15 * 10
    assert {row["truncated"] for row in rows if row["depth"] == 1} == {2}


async def test_400_posts_are_given_below_each_direct_reply() -> None:
    """Ten replies each, three levels deep: the rest is counted where it is cut."""
    below = [(1 + p // 10, BOB) for p in range(10 + 100 + 1_000)]
    rows, _ = await threads_agree(created([(0, ALICE), (0, BOB), *below, (0, CAROL)]), 0, 2)
    assert len(rows) == 1 + 1 + 400 + 1
    assert sum(row["truncated"] for row in rows if isinstance(row["truncated"], int)) > 0


@pytest.mark.parametrize(("depth", "truncated"), [(0, [2]), (1, [0, 1, 0]), (2, [0, 0, 0, 0])])
async def test_a_reader_may_ask_for_fewer_levels(depth: int, truncated: list[int]) -> None:
    """Each post that is given says how many of its direct replies are not."""
    world = await World().deliver(created([(0, ALICE), (0, BOB), (1, ALICE), (0, BOB)]), Random(0))
    thread = await world.threads.read(PostId(post(0)), None, ThreadShape(depth=depth)) or []
    assert [each.truncated for each in thread] == truncated


@pytest.mark.parametrize(("length", "kept"), [(66, True), (67, False)])
async def test_a_deleted_post_stands_over_a_living_one_at_most_64_levels_below(
    length: int, kept: bool
) -> None:
    """Everything between is deleted too."""
    tree = line(length)
    facts = [*created(tree), *deleted(tree, *range(1, length - 1))]
    rows, first = await threads_agree(facts, 0, 1)
    assert (len(rows) > 1) == kept
    assert bool(first) == kept


async def test_what_hangs_below_the_deepest_level_counts_where_it_is_cut() -> None:
    """Two lines, each for alice's followers only from the 21st level on; one ends in public."""
    tree = [*line(25), (19, ALICE), *((place, ALICE) for place in range(25, 30))]
    facts = [
        replace(fact, visibility="followers") if 21 <= place <= 29 else fact
        for place, fact in enumerate(created(tree))
    ]
    (rows,) = await threads_agree(facts, 0)
    assert rows[-1]["depth"] == 20


async def test_suspended_authors_are_looked_through_below_the_deepest_level() -> None:
    """The 20th level is deleted, the 21st by bob, who is suspended; a living reply is below."""
    tree = line(23, *[ALICE] * 21, BOB)
    suspended = AccountSuspended(version=NOW * 1_000, owner_id=BOB)
    facts = [*created(tree), *deleted(tree, 20), suspended]
    (rows,) = await threads_agree(facts, 0)
    assert (rows[-1]["depth"], rows[-1]["placeholder"]) == (20, "deleted")


@pytest.mark.parametrize("replies", get_args(Replies))
@pytest.mark.parametrize("length", [64, 65, 66, 67])
@pytest.mark.parametrize("stranger", [0, 1])
async def test_reply_rules_look_at_the_nearest_64(
    replies: Replies, length: int, stranger: int
) -> None:
    """At the top of a long line of alice's, bob, or carol whom the reader follows."""
    tree = line(length, (BOB, CAROL)[stranger])
    facts = [
        *created(tree),
        FollowCreated(version=0, follower_id=READER, followee_id=ALICE, replies=replies),
        FollowCreated(version=0, follower_id=READER, followee_id=CAROL),
    ]
    world = await World().deliver(facts, Random(0))
    page = await world.home.page(UserId(READER), PageRequest(limit=100))
    assert [shown(item) for item in page.items] == Model(log(facts)).home(READER)
    last = [item.post_id for item in page.items][:1] == [post(length - 1)]
    near = length <= 65  # then the top is among the 64 above the last
    expected = {"all": True, "followed": True, "none": False, "self_threads": not near}
    assert last == expected.get(replies, stranger == 1 or not near)
