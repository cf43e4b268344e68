"""The contract of `services.reposts.store`."""

import numpy as np

from schemas.ids import DAY_MS, SEQUENCE_BITS, IdArray, PostId, UserId
from services.reposts.store import AuthorRepost, RepostLink, RepostPage, ResolvedRepost
from services.reposts.window import Window
from services.span import Span
from services.stores import Stores
from tests.contracts.histories import NewPost, People


def ids(*numbers: int) -> IdArray:
    return np.array(numbers, np.int64)


async def delivered(stores: Stores, user: UserId, original: PostId, *reposts: PostId) -> None:
    count = len(reposts)
    await stores.reposts.add_home_reposts(
        np.full(count, user), np.full(count, original), ids(*reposts)
    )


def later(post: PostId, days: float) -> PostId:
    """The id of a post written so much later."""
    return PostId(post + (int(days * DAY_MS) << SEQUENCE_BITS))


async def test_reposts_stand_below_what_they_name(
    stores: Stores, people: People, new_post: NewPost
) -> None:
    """By whoever says so, in their order; none was asked for yet."""
    target, other, *reposts = (new_post() for _ in range(5))
    links = [RepostLink(target, post, author) for post in reposts for author in people]
    await stores.reposts.link(links[::-1])
    await stores.reposts.link(links[:4])
    found = await stores.reposts.reposts_of([target, other], None, 100)
    assert found == RepostPage(dict.fromkeys(links, frozenset()))
    assert sorted(found.requested) == links


async def test_below_tells_under_which_originals_delivery_was_asked_for(
    stores: Stores, people: People, new_post: NewPost
) -> None:
    target, original, post, other = (new_post() for _ in range(4))
    first, second = (RepostLink(target, each, people.alice) for each in (post, other))
    await stores.reposts.link([first, second])
    await stores.reposts.mark_requested([ResolvedRepost(first, target)])
    await stores.reposts.mark_requested(
        [ResolvedRepost(first, original), ResolvedRepost(first, target)]
    )
    found = await stores.reposts.reposts_of([target], None, 100)
    assert found.requested == {first: {target, original}, second: frozenset()}


async def test_many_reposts_are_read_in_parts(
    stores: Stores, people: People, new_post: NewPost
) -> None:
    """Each is in one of them; what is cut says so."""
    target, few, *posts = (new_post() for _ in range(13))
    links = [RepostLink(target, each, people.alice) for each in posts]
    last = RepostLink(few, posts[0], people.bob)
    await stores.reposts.link([*links, last])
    await stores.reposts.mark_requested([ResolvedRepost(each, target) for each in links[::2]])
    first = await stores.reposts.reposts_of([target, few], None, 4)
    assert first.truncated == {target}
    assert last in first.requested
    seen, found = set(first.requested), first
    while found.truncated:
        after = max(each for each in found.requested if each.target_id == target)
        found = await stores.reposts.reposts_of([target], after, 4)
        assert not seen & found.requested.keys()
        seen |= found.requested.keys()
    assert seen == {*links, last}


async def test_many_posts_are_looked_below_at_once(
    stores: Stores, people: People, new_post: NewPost
) -> None:
    """More than one request takes."""
    links = [RepostLink(new_post(), new_post(), people.bob) for _ in range(1_100)]
    await stores.reposts.link(links)
    found = await stores.reposts.reposts_of([link.target_id for link in links], None, 100)
    assert found == RepostPage(dict.fromkeys(links, frozenset()))


async def test_each_author_has_a_page_of_reposts_newest_first(
    stores: Stores, people: People, new_post: NewPost
) -> None:
    """With every original that a repost may have."""
    target, original, *posts = (new_post() for _ in range(6))
    said = [ResolvedRepost(RepostLink(target, each, people.alice), original) for each in posts]
    also = ResolvedRepost(RepostLink(target, posts[1], people.alice), target)
    by_bob = ResolvedRepost(RepostLink(target, posts[2], people.bob), target)
    await stores.reposts.add_author_reposts([*said, also, by_bob])
    span = Span(above=posts[0], below=posts[3])
    expected = {
        people.alice: [
            AuthorRepost(posts[2], original),
            AuthorRepost(posts[1], target),
            AuthorRepost(posts[1], original),
        ],
        people.bob: [AuthorRepost(posts[2], target)],
    }
    assert await stores.reposts.author_pages(people, span, 10) == expected
    assert await stores.reposts.author_pages(people, span, 2) == {
        author: page[:2] for author, page in expected.items()
    }


async def test_reposts_are_found_by_the_windows_of_their_original(
    stores: Stores, people: People, new_post: NewPost
) -> None:
    """Each edge of a window belongs to the later one; what is dated before is in the first."""
    original, other = new_post(days_old=9), new_post(days_old=9)
    times = (-8, -0.001, 0.001, 0.999, 1, 1.5, 2, 5.999, 6)
    reposts = [later(original, days) for days in times]
    await delivered(stores, people.alice, original, *reposts[::-1])
    await delivered(stores, people.alice, other, later(other, 0.5))
    await delivered(stores, people.bob, original, later(original, 0.25))
    windows = [Window(original, number) for number in range(8)]
    found = await stores.reposts.delivered(people.alice, windows, 10)
    assert found == {
        windows[0]: reposts[:4],
        windows[1]: reposts[4:6],
        windows[2]: reposts[6:7],
        windows[5]: reposts[7:8],
        windows[6]: reposts[8:],
    }
    for window in windows:
        alone = await stores.reposts.delivered(people.alice, [window], 10)
        assert alone == ({window: found[window]} if window in found else {})
    both = [windows[0], Window(other, 0)]
    assert await stores.reposts.delivered(people.alice, both, 10) == {
        windows[0]: reposts[:4],
        both[1]: [later(other, 0.5)],
    }


async def test_many_windows_are_read_side_by_side(
    stores: Stores, people: People, new_post: NewPost
) -> None:
    """As few are: nothing of what lies between them, and nothing of others."""
    originals = [new_post(days_old=9 - each % 9) for each in range(500)]
    for each in originals:
        await delivered(stores, people.alice, each, later(each, 0.5), later(each, 1.5))
        await delivered(stores, people.bob, each, later(each, 0.25))
    windows = [Window(each, 0) for each in originals[::2]]
    found = await stores.reposts.delivered(people.alice, windows, 10)
    assert found == {window: [later(window.original_id, 0.5)] for window in windows}


async def test_the_earliest_of_a_window_are_given(
    stores: Stores, people: People, new_post: NewPost
) -> None:
    original = new_post(days_old=9)
    reposts = [later(original, days) for days in (-5, 0.1, 0.2)]
    await delivered(stores, people.alice, original, *reposts, *reposts)
    window = Window(original, 0)
    assert await stores.reposts.delivered(people.alice, [window], 2) == {window: reposts[:2]}


async def test_reposts_to_many_are_written_together(
    stores: Stores, people: People, new_post: NewPost
) -> None:
    """Users of every shard and reposts of several days in one call: to each his own."""
    original = new_post(days_old=9)
    reposts = [later(original, days) for days in (0, 4, 8)]
    users = people.alice + 10_000 * np.arange(300)
    await stores.reposts.add_home_reposts(
        np.tile(users, 3), np.full(900, original), np.repeat(np.array(reposts), 300)
    )
    windows = [Window(original, number) for number in (0, 4, 8)]
    expected = {window: [post] for window, post in zip(windows, reposts, strict=True)}
    for user in users[::50].tolist():
        assert await stores.reposts.delivered(UserId(user), windows, 9) == expected


async def test_nothing_to_keep_is_nothing_done(stores: Stores, people: People) -> None:
    none = ids()
    await stores.reposts.link([])
    await stores.reposts.mark_requested([])
    await stores.reposts.add_author_reposts([])
    await stores.reposts.add_home_reposts(none, none, none)
    assert await stores.reposts.reposts_of([], None, 10) == RepostPage({})
    assert await stores.reposts.author_pages([], Span(), 10) == {}
    assert await stores.reposts.delivered(people.alice, [], 10) == {}
