"""The contract of `services.conversations.store`."""

from services.conversations.store import ReplyLink
from services.stores import Stores
from tests.contracts.histories import NewPost, People


async def test_replies_stand_below_their_parent_oldest_first(
    stores: Stores, people: People, new_post: NewPost
) -> None:
    parent, first, second = new_post(), new_post(), new_post()
    await stores.conversations.link([ReplyLink(parent, second, people.bob)])
    await stores.conversations.link([ReplyLink(parent, first, people.carol)])
    assert await stores.conversations.children([parent], 10) == {parent: [first, second]}


async def test_of_many_replies_the_oldest_are_given(
    stores: Stores, people: People, new_post: NewPost
) -> None:
    parent, *replies = (new_post() for _ in range(6))
    await stores.conversations.link([ReplyLink(parent, reply, people.bob) for reply in replies])
    assert await stores.conversations.children([parent], 3) == {parent: replies[:3]}


async def test_a_reply_that_two_claim_is_one_reply(
    stores: Stores, people: People, new_post: NewPost
) -> None:
    """Whose it is, its own row says; here it takes one of the places that were asked for."""
    parent, first, second = new_post(), new_post(), new_post()
    links = [ReplyLink(parent, first, author) for author in people]
    await stores.conversations.link([*links, ReplyLink(parent, second, people.bob)])
    assert await stores.conversations.children([parent], 2) == {parent: [first, second]}


async def test_parents_without_replies_are_left_out(
    stores: Stores, people: People, new_post: NewPost
) -> None:
    parent, childless, reply = new_post(), new_post(), new_post()
    await stores.conversations.link([ReplyLink(parent, reply, people.bob)])
    found = await stores.conversations.children([childless, parent, parent], 10)
    assert found == {parent: [reply]}


async def test_many_parents_are_asked_for_at_once(
    stores: Stores, people: People, new_post: NewPost
) -> None:
    """More than one request takes."""
    links = [ReplyLink(new_post(), new_post(), people.bob) for _ in range(1_100)]
    await stores.conversations.link(links)
    found = await stores.conversations.children([link.above for link in links], 1)
    assert found == {link.above: [link.post_id] for link in links}


async def test_claims_wait_below_the_root_they_name(
    stores: Stores, people: People, new_post: NewPost
) -> None:
    """Oldest first, then by author; a claim is not a reply."""
    root, first, second = new_post(), new_post(), new_post()
    claims = sorted(
        [
            ReplyLink(root, first, people.bob),
            ReplyLink(root, first, people.carol),
            ReplyLink(root, second, people.bob),
        ]
    )
    await stores.conversations.add_orphans(claims[::-1])
    assert await stores.conversations.orphans([root, first], 10) == {root: claims}
    assert await stores.conversations.orphans([root], 2) == {root: claims[:2]}
    assert await stores.conversations.children([root], 10) == {}


async def test_nothing_to_link_is_nothing_done(stores: Stores, new_post: NewPost) -> None:
    await stores.conversations.link([])
    await stores.conversations.add_orphans([])
    assert await stores.conversations.children([], 10) == {}
    assert await stores.conversations.orphans([], 10) == {}
