"""The contract of `services.scan`, as the stores have it: everything is found, from any place."""

from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import pytest

from schemas.events import FollowCreated, PostCreated
from schemas.ids import PostId
from services.posts.post import post_mutation
from services.relations.mutation import relation_mutation
from services.scan import MIN_TOKEN, ScanPage
from services.stores import Stores
from services.timelines.store import AuthorEntry
from services.verification.sample import draw_sample
from tests.contracts.histories import NewPost, People

Scan = Callable[[int, int], Awaitable[ScanPage[int]]]


async def everything(scan: Scan, limit: int = 50) -> list[int]:
    found: list[int] = []
    token: int | None = MIN_TOKEN
    while token is not None:
        some = await scan(token, limit)
        assert len(some.ids) <= limit
        found += some.ids
        token = some.token
    return found


async def said(stores: Stores, people: People, posts: list[PostId]) -> None:
    """Alice wrote these, bob follows her."""
    await stores.author_timelines.add_author_entries(
        [AuthorEntry(people.alice, post) for post in posts]
    )
    written = [PostCreated(version=1, post_id=post, author_id=people.alice) for post in posts]
    await stores.posts.record(list(map(post_mutation, written)))
    follow = FollowCreated(version=1, follower_id=people.bob, followee_id=people.alice)
    await stores.relations.record([relation_mutation(follow)])


def scans(stores: Stores) -> list[Scan]:
    return [stores.posts.scan, stores.author_timelines.authors, stores.relations.owners]  # type: ignore[list-item]


async def test_a_scan_finds_whatever_was_written(
    stores: Stores, people: People, new_post: NewPost
) -> None:
    """Posts, who wrote them, and who says anything of others."""
    posts = [new_post() for _ in range(60)]
    await said(stores, people, posts)
    found = [await everything(scan) for scan in scans(stores)]
    written: list[list[Any]] = [posts, [people.alice], [people.bob]]
    for ids, wanted in zip(found, written, strict=True):
        assert set(wanted) <= set(ids)
        assert len(ids) == len(set(ids))


@pytest.mark.parametrize("count", [1, 7])
async def test_some_are_drawn_from_anywhere(
    stores: Stores, people: People, new_post: NewPost, count: int
) -> None:
    """As many as are asked for, each once; where the end comes first, from the beginning on."""
    await said(stores, people, [new_post() for _ in range(60)])
    some = [await draw_sample(stores.posts.scan, count, Random(seed)) for seed in range(5)]
    assert [len(each) for each in some] == [count] * 5
    assert len({tuple(each) for each in some}) > 1
    assert await draw_sample(stores.posts.scan, 0, Random(0)) == []
