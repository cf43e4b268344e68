"""The contract of `services.inboxes.store`."""

import pytest

from schemas.ids import MAX_ID, PostId, UserId
from services.inboxes.store import InboxEntry, Membership, Participants, Stage, ThreadPost
from services.stores import Stores
from tests.contracts.histories import NewPost, People

START, END = PostId(0), PostId(MAX_ID)


async def test_posts_of_a_conversation_are_read_newest_first(
    stores: Stores, people: People, new_post: NewPost
) -> None:
    """Each once, with all who claim it, as many as are asked for; of several conversations."""
    root, other, *posts = (new_post(days) for days in (9, 8, 3, 2, 2))
    written = [ThreadPost(root, each, people.alice) for each in posts]
    twice = ThreadPost(root, posts[1], people.bob)
    elsewhere = ThreadPost(other, posts[2], people.bob)
    for some in (written[::-1], written, [twice, elsewhere]):
        await stores.inboxes.add_posts(some)
    by_claim = sorted((written[1], twice), key=lambda each: each.author_id)
    expected = [written[2], *by_claim, written[0]]
    asked = [root, other, new_post(1)]
    assert await stores.inboxes.newest(asked, 100) == {root: expected, other: [elsewhere]}
    assert await stores.inboxes.newest(asked, 2) == {root: expected[:2], other: [elsewhere]}
    assert await stores.inboxes.newest([], 2) == {}


async def test_participants_come_with_their_newest_posts(
    stores: Stores, people: People, new_post: NewPost
) -> None:
    """In whatever order these were written, by ascending ids up to the limit."""
    root, *posts = (new_post(days) for days in (9, 3, 2, 1))
    for post, author in zip(
        (*posts[::-1], posts[0]), (*[people.alice] * 3, people.bob), strict=True
    ):
        await stores.inboxes.add_posts([ThreadPost(root, post, author)])
    whole = {people.alice: posts[2], people.bob: posts[0]}
    assert await stores.inboxes.participants([root], 100) == {root: Participants(whole)}
    first = min(whole)
    some = {root: Participants({first: whole[first]})}
    assert await stores.inboxes.participants([root, new_post(1)], 1) == some
    assert await stores.inboxes.all_participants(root) == whole.keys()
    assert await stores.inboxes.last_posts(people.alice, [root, posts[0]]) == {root: posts[2]}
    assert await stores.inboxes.last_posts(people.carol, [root]) == {}


async def test_all_participants_are_read_whatever_their_number(
    stores: Stores, new_post: NewPost
) -> None:
    """Also more than one request returns."""
    root, post = new_post(2), new_post(1)
    users = {UserId(10**12 + each) for each in range(1_001)}
    await stores.inboxes.add_posts([ThreadPost(root, post, each) for each in users])
    assert await stores.inboxes.all_participants(root) == users


@pytest.mark.parametrize("stages", [(Stage.LISTING, Stage.PULLED), (Stage.PULLED, Stage.LISTING)])
async def test_a_stage_only_rises(
    stores: Stores, people: People, new_post: NewPost, stages: tuple[Stage, Stage]
) -> None:
    """In any order; nobody needs to have written."""
    root, other, post = new_post(3), new_post(3), new_post(1)
    for stage in stages:
        await stores.inboxes.raise_stage([root, other], stage)
    assert await stores.inboxes.participants([root, other], 2) == {}
    await stores.inboxes.add_posts([ThreadPost(root, post, people.alice)])
    raised = Participants({people.alice: post}, Stage.PULLED)
    assert await stores.inboxes.participants([root, other], 2) == {root: raised}


async def test_pulled_conversations_are_those_of_their_members(
    stores: Stores, people: People, new_post: NewPost
) -> None:
    """However often they are listed; they are no entries."""
    roots = [new_post(days) for days in (300, 20, 1)]
    for some in (roots, roots[:1]):
        await stores.inboxes.add_members([Membership(people.alice, each) for each in some])
    assert await stores.inboxes.pulled(people.alice) == set(roots)
    assert await stores.inboxes.pulled(people.bob) == set()
    assert await stores.inboxes.recent(people.alice, START, END, 100) == {}


async def test_recent_conversations_stand_at_their_newest_posts(
    stores: Stores, people: People, new_post: NewPost
) -> None:
    """Newest first, within the bounds, up to a limit; whatever came first."""
    root, other = new_post(25), new_post(24)
    posts = [new_post(days) for days in (20, 9, 2, 2)]
    owed = [InboxEntry(people.alice, root, posts[each]) for each in (2, 0, 1)]
    for some in (owed, [InboxEntry(people.alice, other, posts[3])], owed[:1]):
        await stores.inboxes.add_entries(some)
    recent = stores.inboxes.recent
    both = {other: posts[3], root: posts[2]}
    assert list((await recent(people.alice, START, END, 100)).items()) == list(both.items())
    assert await recent(people.alice, START, END, 1) == {other: posts[3]}
    assert await recent(people.alice, posts[2], END, 100) == {other: posts[3]}
    assert await recent(people.alice, START, posts[1], 100) == {root: posts[0]}
    assert await recent(people.bob, START, END, 100) == {}


async def test_what_is_a_day_ahead_is_recent(
    stores: Stores, people: People, new_post: NewPost
) -> None:
    """As far as an id may be ahead of its record."""
    root, ahead = new_post(1), new_post(-1)
    await stores.inboxes.add_entries([InboxEntry(people.alice, root, ahead)])
    assert await stores.inboxes.recent(people.alice, START, END, 1) == {root: ahead}
