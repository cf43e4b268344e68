"""The contract of `services.conversations.store`."""

from schemas.ids import PostId, UserId, Version
from services.conversations.store import Child, NewReply, ReplyLink
from services.span import Span
from services.stores import Stores
from tests.contracts.histories import NewPost, People

VERSION = Version(1_000)
OLDEST, NEWEST = Span(newest_first=False), Span()


async def test_replies_stand_below_their_parent_oldest_first(
    stores: Stores, people: People, new_post: NewPost
) -> None:
    """Each with who wrote it; or newest first, where that is asked for."""
    parent, first, second = new_post(), new_post(), new_post()
    await stores.conversations.link([NewReply(parent, second, people.bob, VERSION)])
    await stores.conversations.link([NewReply(parent, first, people.carol, VERSION)])
    children = [Child(first, people.carol), Child(second, people.bob)]
    assert await stores.conversations.children([parent], 10) == {parent: children}
    newest = await stores.conversations.children([parent], 10, NEWEST)
    assert newest == {parent: children[::-1]}


async def test_of_many_replies_the_first_of_a_span_are_given(
    stores: Stores, people: People, new_post: NewPost
) -> None:
    """Its ends are not in it; of each of several parents as many as are asked for."""
    (parent, other), replies = (new_post(), new_post()), [new_post() for _ in range(6)]
    await stores.conversations.link(
        [
            NewReply(above, reply, people.bob, VERSION)
            for above in (parent, other)
            for reply in replies
        ]
    )

    async def given(span: Span) -> dict[PostId, list[PostId]]:
        found = await stores.conversations.children([parent, other], 3, span)
        return {above: [child.post_id for child in some] for above, some in found.items()}

    assert await given(OLDEST) == dict.fromkeys((parent, other), replies[:3])
    assert await given(NEWEST) == dict.fromkeys((parent, other), replies[:-4:-1])
    inside = Span(above=replies[1], below=replies[4])
    assert await given(inside) == dict.fromkeys((parent, other), replies[3:1:-1])
    assert await given(Span(above=replies[4])) == dict.fromkeys((parent, other), replies[5:])


async def test_a_reply_that_two_claim_is_one_reply_of_the_first(
    stores: Stores, people: People, new_post: NewPost
) -> None:
    """Of the lowest version, then of the lower author, in whatever order they are written."""
    parent, first, second = new_post(), new_post(), new_post()
    link = stores.conversations.link
    await link([NewReply(parent, first, people.bob, Version(2))])
    await link([NewReply(parent, first, people.carol, Version(1))])
    await link([NewReply(parent, first, people.alice, Version(3))])
    for author in (people.carol, people.alice, people.bob):
        await link([NewReply(parent, second, author, VERSION)])
    children = [Child(first, people.carol), Child(second, min(people.alice, people.bob))]
    assert await stores.conversations.children([parent], 2) == {parent: children}


async def test_replies_are_found_by_their_author(
    stores: Stores, people: People, new_post: NewPost
) -> None:
    """Oldest first, of each parent so many above a place; also those that another claims, too."""
    (parent, other), replies = (new_post(), new_post()), [new_post() for _ in range(4)]
    await stores.conversations.link(
        [
            *(NewReply(parent, each, people.bob, VERSION) for each in replies),
            NewReply(parent, replies[1], people.carol, VERSION),
            NewReply(other, replies[2], people.bob, VERSION),
        ]
    )

    async def by(author: UserId, limit: int, above: int = 0) -> dict[PostId, list[PostId]]:
        parents = [parent, other, new_post()]
        return await stores.conversations.children_by(author, parents, limit, PostId(above))

    assert await by(people.bob, 3) == {parent: replies[:3], other: [replies[2]]}
    assert await by(people.bob, 9, replies[2]) == {parent: replies[3:]}
    assert await by(people.carol, 9) == {parent: [replies[1]]}
    assert await by(people.alice, 9) == {}


async def test_parents_without_replies_are_left_out(
    stores: Stores, people: People, new_post: NewPost
) -> None:
    parent, childless, reply = new_post(), new_post(), new_post()
    await stores.conversations.link([NewReply(parent, reply, people.bob, VERSION)])
    found = await stores.conversations.children([childless, parent, parent], 10)
    assert found == {parent: [Child(reply, people.bob)]}


async def test_many_parents_are_asked_for_at_once(
    stores: Stores, people: People, new_post: NewPost
) -> None:
    """More than one request takes."""
    replies = [NewReply(new_post(), new_post(), people.bob, VERSION) for _ in range(1_100)]
    await stores.conversations.link(replies)
    found = await stores.conversations.children([each.parent_id for each in replies], 1)
    assert found == {each.parent_id: [Child(each.post_id, people.bob)] for each in replies}


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
    assert await stores.conversations.children_by(UserId(1), [], 10, PostId(0)) == {}
    assert await stores.conversations.orphans([], 10) == {}
