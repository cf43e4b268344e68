"""The contract of `services.timelines.store`."""

import numpy as np
import pytest

from schemas.ids import PostId, UserId
from services.span import Span
from services.stores import Stores
from services.timelines.store import AuthorEntry, EntryBlock
from tests.contracts.histories import NewPost, People


async def home_page(stores: Stores, user: UserId, span: Span, limit: int) -> list[PostId]:
    return await (await stores.home_timelines.pin()).home_page(user, span, limit)


async def delivered(stores: Stores, user: UserId, posts: list[PostId]) -> None:
    await stores.home_timelines.add_home_entries([EntryBlock(np.array([user]), np.array(posts))])


async def test_an_author_timeline_is_newest_first_and_holds_a_post_once(
    stores: Stores, people: People, new_post: NewPost
) -> None:
    posts = [new_post(), new_post(), new_post(days_old=0)]
    for post in (posts[1], posts[0], posts[1], posts[2]):
        await stores.author_timelines.add_author_entries([AuthorEntry(people.alice, post)])
    pages = await stores.author_timelines.author_pages([people.alice], Span(), 10)
    assert pages == {people.alice: posts[::-1]}


@pytest.mark.parametrize("newest_first", [True, False])
async def test_each_author_has_a_page_of_its_own(
    stores: Stores, people: People, new_post: NewPost, newest_first: bool
) -> None:
    """Those with nothing in the span are left out."""
    posts = [new_post() for _ in range(6)]
    await stores.author_timelines.add_author_entries(
        [
            AuthorEntry((people.alice, people.bob)[place % 2], post)
            for place, post in enumerate(posts)
        ]
    )
    span = Span(above=posts[0], below=posts[5], newest_first=newest_first)
    pages = await stores.author_timelines.author_pages(people, span, 2)
    order = -1 if newest_first else 1
    assert pages == {
        people.alice: [posts[2], posts[4]][::order],
        people.bob: [posts[1], posts[3]][::order],
    }
    assert await stores.author_timelines.author_pages(people, span, 1) == {
        author: page[:1] for author, page in pages.items()
    }


async def test_many_authors_are_asked_for_at_once(
    stores: Stores, people: People, new_post: NewPost
) -> None:
    """More than one request takes."""
    entries = [
        AuthorEntry(UserId(people.alice + 1000 * place), new_post()) for place in range(1_100)
    ]
    await stores.author_timelines.add_author_entries(entries)
    pages = await stores.author_timelines.author_pages(
        [each.author_id for each in entries], Span(), 1_000
    )
    assert pages == {each.author_id: [each.post_id] for each in entries}


async def test_home_holds_what_was_delivered_once_and_newest_first(
    stores: Stores, people: People, new_post: NewPost
) -> None:
    posts = [new_post(days_old=old) for old in (29, 9, 3, 2, 1, 0)]
    await delivered(stores, people.alice, [*posts[3:], *posts[:3]])
    await delivered(stores, people.alice, posts[2:4])
    assert await home_page(stores, people.alice, Span(), 10) == posts[::-1]
    assert await home_page(stores, people.bob, Span(), 10) == []


@pytest.mark.parametrize("newest_first", [True, False])
async def test_a_home_page_begins_at_its_end_of_the_span(
    stores: Stores, people: People, new_post: NewPost, newest_first: bool
) -> None:
    """However many days lie between its entries."""
    posts = [new_post(days_old=old) for old in (25, 20, 20, 2, 1, 0)]
    await delivered(stores, people.alice, posts)
    span = Span(above=posts[0], below=posts[5], newest_first=newest_first)
    pages = [await home_page(stores, people.alice, span, limit) for limit in range(1, 6)]
    inside = posts[4:0:-1] if newest_first else posts[1:5]
    assert pages == [inside[:limit] for limit in range(1, 6)]


async def test_a_home_page_is_what_is_stored_whatever_was_asked_before(
    stores: Stores, people: People, new_post: NewPost
) -> None:
    """Short pages and long ones from the newest on, while entries come above and below."""
    posts = [new_post(days_old=old) for old in (25, 20, 12, 9, 2, 1, 0)]
    await delivered(stores, people.alice, posts[3:6])
    held = posts[5:2:-1]
    for late in (None, posts[0], posts[6], posts[1], posts[2]):
        if late is not None:
            await delivered(stores, people.alice, [late])
            held = sorted([*held, late], reverse=True)
        for limit in (2, 1, 3, 5, 2, 9):
            assert await home_page(stores, people.alice, Span(), limit) == held[:limit]
        within = Span(above=posts[1], below=posts[4])
        assert await home_page(stores, people.alice, within, 3) == [
            each for each in held if posts[1] < each < posts[4]
        ]


async def test_homes_of_many_are_written_together(
    stores: Stores, people: People, new_post: NewPost
) -> None:
    """Users of every shard and posts of several days in one call: to each his own.

    Some blocks are dense in every shard, some are a row in some.
    """
    posts = [new_post(days_old=old) for old in (10, 5, 1)]
    users = people.alice + 10_000 * np.arange(2_100)
    dense = np.array(posts[:1])
    await stores.home_timelines.add_home_entries(
        [
            EntryBlock(users, dense),
            EntryBlock(users[::7], np.array(posts[1:2])),
            EntryBlock(users[::100], np.array(posts[2:])),
            EntryBlock(users[1:3], np.array([new_post(days_old=1) for _ in range(9)])),
            EntryBlock(users[:0], dense),
            EntryBlock(users, dense[:0]),
        ]
    )
    pages = [await home_page(stores, UserId(int(user)), Span(), 9) for user in users[:8]]
    assert pages[0] == posts[::-1]
    assert [len(page) for page in pages[1:3]] == [9, 9]
    assert pages[3:] == [*([posts[:1]] * 4), posts[1::-1]]
    last = UserId(int(users[-1]))
    assert await home_page(stores, last, Span(), 9) == posts[:1]


async def test_home_knows_what_is_stored(stores: Stores, people: People, new_post: NewPost) -> None:
    post, other = new_post(), new_post(days_old=12)
    await delivered(stores, people.alice, [post])
    assert await (await stores.home_timelines.pin()).in_home(people.alice, post)
    assert not await (await stores.home_timelines.pin()).in_home(people.alice, other)
    assert not await (await stores.home_timelines.pin()).in_home(people.bob, post)


async def test_what_arrived_is_told_of_many_at_once(
    stores: Stores, people: People, new_post: NewPost
) -> None:
    """Users of every shard, from either side of a bucket's end; not what is older."""
    posts = [new_post(days_old=old) for old in (9, 4, 1, 0)]
    users = [UserId(people.alice + 10_000 * each) for each in range(600)]
    for post in posts:
        await stores.home_timelines.add_home_entries(
            [EntryBlock(np.array(users[:500]), np.array([post]))]
        )
    await delivered(stores, users[0], [new_post(days_old=0)])
    found = await (await stores.home_timelines.pin()).arrivals(users, posts[0])
    assert found.keys() == set(users[:500])
    assert {tuple(sorted(each)) for user, each in found.items() if user != users[0]} == {
        tuple(posts[1:])
    }
    assert len(found[users[0]]) == 4
    assert await (await stores.home_timelines.pin()).arrivals(users[1:], posts[3]) == {}
    assert await (await stores.home_timelines.pin()).arrivals([], posts[0]) == {}


async def test_nothing_to_add_is_nothing_done(stores: Stores) -> None:
    await stores.author_timelines.add_author_entries([])
    await stores.home_timelines.add_home_entries([])
    assert await stores.author_timelines.author_pages([], Span(), 10) == {}
