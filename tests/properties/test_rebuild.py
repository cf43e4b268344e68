"""A rebuilt home shows exactly what the live one shows, and what is damaged is found and mended."""

from collections.abc import Sequence
from random import Random

import msgspec
import pytest
from hypothesis import strategies as st

from schemas.events import FollowCreated, FollowDeleted, PostCreated
from schemas.ids import PostId, UserId
from services.conversations.memory import MemoryConversations
from services.handlers.pages import FanOutPolicy
from services.handlers.rebuild import Rebuild
from services.quotes.memory import MemoryQuotes
from services.reposts.memory import MemoryReposts
from services.timelines.memory import MemoryAuthorTimelines, MemoryHomeGeneration
from services.verification.differences import Differences
from services.verification.homes import VerifyHomes
from services.verification.sample import verify_each
from services.verification.threads import VerifyThreads
from tests.histories import PEOPLE, POSTS, READER, Fact, chances, conversations, histories, log
from tests.model import Model
from tests.model.home import LINE
from tests.model.talk import NEAR
from tests.properties.conftest import Prove
from tests.properties.test_hybrid import policies
from tests.properties.test_inbox import settled
from tests.properties.world import World, assert_same, says
from tests.relation_histories import peopled_histories

EVERYBODY = [UserId(each) for each in (*PEOPLE, READER)]


async def lose_homes(world: World, users: Sequence[UserId]) -> None:
    """All that was delivered to them is gone."""
    homes, reposts = await world.reader.stores.home_timelines.pin(), world.reader.stores.reposts
    assert isinstance(homes, MemoryHomeGeneration)
    assert isinstance(reposts, MemoryReposts)
    for user in users:
        homes._homes.pop(user, None)
        for place in [place for place in reposts._homes if place[0] == user]:
            del reposts._homes[place]


async def lose_some(world: World, user: UserId, chance: Random) -> None:
    """Some entries of a home are gone, some are doubled, and some became entries of other posts."""
    homes = await world.reader.stores.home_timelines.pin()
    assert isinstance(homes, MemoryHomeGeneration)
    held = homes._homes.get(user)
    for post in list(held._ids) if held else ():
        match chance.choice(("removed", "doubled", "altered", "left", "left")):
            case "removed":
                held._ids.remove(post)
            case "doubled":
                homes._homes[user].add(post)
            case "altered":
                held._ids.remove(post)
                held.add(PostId(post + 1))


def rebuild_in(world: World) -> Rebuild:
    return Rebuild(world.reader.stores, world.retention, world.clock)


async def found_wrong(world: World, users: Sequence[UserId]) -> set[int]:
    async def at_once() -> None:
        """Nothing is on its way."""

    verify = VerifyHomes(world.reader, world.home, world.retention)
    return set((await verify_each(verify, users, at_once)).differing)


def test_a_rebuilt_home_shows_what_the_live_one_shows(prove: Prove) -> None:
    """All that was delivered is lost; rebuilt by those it belonged to, in any order."""

    async def holds(history: list[Fact], chance: Random, mixed: list[FanOutPolicy]) -> None:
        world = await World(policies=mixed).deliver(history, chance)
        live = await world.shows()
        await lose_homes(world, EVERYBODY)
        rebuild = rebuild_in(world)
        for user in chance.sample(EVERYBODY, len(EVERYBODY)):
            await rebuild([user])
        assert_same(await world.shows(), live)

    prove(holds, 30, histories() | peopled_histories(), chances, policies)


def test_rebuilding_a_home_that_is_whole_changes_nothing(prove: Prove) -> None:
    """Nor does it add anything that the model does not have."""

    async def holds(history: list[Fact], chance: Random, mixed: list[FanOutPolicy]) -> None:
        world = await World(policies=mixed).deliver(history, chance)
        await rebuild_in(world)(EVERYBODY)
        assert_same(await world.shows(), says(history))

    prove(holds, 20, histories() | peopled_histories(), chances, policies)


def test_a_whole_system_differs_nowhere(prove: Prove) -> None:
    """Also with unfollows, blocks, tags and reposts: what is left over in a store is no fault."""

    async def holds(history: list[Fact], chance: Random, mixed: list[FanOutPolicy]) -> None:
        world = await World(policies=mixed).deliver(history, chance)
        assert await found_wrong(world, EVERYBODY) == set()

    prove(holds, 30, histories() | peopled_histories(), chances, policies)


@pytest.mark.parametrize("then", [None, POSTS[5]])
async def test_what_was_once_delivered_as_a_repost_is_no_fault(then: int | None) -> None:
    """Two claims for one id, the older told later: the other left a row."""
    alice, bob, carol, _ = PEOPLE
    claim = PostCreated(version=2, post_id=POSTS[6], author_id=bob, repost_of=POSTS[4])
    told: list[Fact] = [
        FollowCreated(version=1, follower_id=carol, followee_id=alice),
        FollowCreated(version=1, follower_id=carol, followee_id=bob),
        PostCreated(version=1, post_id=POSTS[4], author_id=alice),
        PostCreated(version=1, post_id=POSTS[5], author_id=alice),
        claim,
    ]
    later: list[Fact] = [
        FollowDeleted(version=2, follower_id=carol, followee_id=alice),
        msgspec.structs.replace(claim, version=1, repost_of=then),
    ]
    world = await World().deliver(told, Random(0))
    await world.deliver(later, Random(0))
    assert await found_wrong(world, EVERYBODY) == set()


def test_a_damaged_home_is_found_if_and_only_if_it_shows_and_is_mended(prove: Prove) -> None:
    """Entries removed, doubled and altered behind the store's back."""

    async def holds(history: list[Fact], chance: Random, user: UserId) -> None:
        world = await World().deliver(history, chance)
        live = await world.shows()
        await lose_some(world, user, chance)
        damaged = await world.shows()
        assert await found_wrong(world, EVERYBODY) == ({user} if damaged != live else set())
        await rebuild_in(world)([user])
        assert await found_wrong(world, EVERYBODY) == set()
        assert_same(await world.shows(), live)

    prove(holds, 30, histories() | peopled_histories(), chances, st.sampled_from(EVERYBODY))


def test_a_post_without_its_link_is_found(prove: Prove) -> None:
    """And none that has it, whatever order its conversation arrived in."""

    async def holds(drawn: list[Fact], chance: Random) -> None:
        world = await World().deliver(settled(drawn), chance)
        verify = VerifyThreads(world.reader, world.retention)
        assert not any([await verify(PostId(post)) for post in POSTS])
        known = await world.reader.stores.posts.load([PostId(post) for post in POSTS])
        replies = [post for post in known.values() if post.parent_id is not None]
        if replies:
            lost = chance.choice(replies)
            stored = world.reader.stores.conversations
            assert isinstance(stored, MemoryConversations)
            assert lost.parent_id is not None
            links = stored._replies[lost.parent_id].pop(lost.post_id)
            found = {post for post in known if await verify(post)}
            assert found == {lost.post_id}
            await stored.link(list(links))
        for lost in known.values():
            if lost.quote_of is not None:
                quotes = world.reader.stores.quotes
                assert isinstance(quotes, MemoryQuotes)
                quotes._quotes[lost.quote_of].remove(lost.post_id)
                assert {post for post in known if await verify(post)} == {lost.post_id}
                break

    prove(holds, 30, histories() | conversations(), chances)


def test_a_post_that_somebody_is_not_told_of_is_found(prove: Prove) -> None:
    """All rows of mentions, answers or inboxes are lost: whatever has any there is found."""

    async def holds(history: list[Fact], chance: Random, rows: str) -> None:
        world = await World().deliver(history, chance)
        verify = VerifyThreads(world.reader, world.retention)
        assert not any([await verify(PostId(post)) for post in POSTS])
        model = Model(log(history))
        replies = {post for post, each in model.posts.items() if each["parent_id"]}
        authors = {post: each["author_id"] for post, each in model.posts.items()}
        owed = {
            "_answers": {each for each in replies if model.above(each, LINE)},
            "_mentions": {
                each
                for each in replies
                if {authors[above] for above in model.above(each, NEAR)} - {authors[each]}
            },
            "_entries": {each for each in replies if model.root(each)},
        }[rows]
        stores = world.reader.stores
        stored = stores.inboxes if rows == "_entries" else stores.mentions
        getattr(stored, rows).clear()
        assert {post for post in POSTS if await verify(PostId(post))} == owed

    lost = st.sampled_from(("_answers", "_mentions", "_entries"))
    prove(holds, 30, conversations(), chances, lost)


async def test_what_was_on_its_way_is_no_difference() -> None:
    """Only what several looks find, with pauses between them."""
    on_its_way, lasting = (PostId(1), None), (PostId(2), None)
    looks = [{on_its_way, lasting}, {lasting}, {lasting, (PostId(3), None)}]

    async def verify(user: UserId) -> Differences:
        return Differences(frozenset(looks.pop(0)))

    async def pause() -> None:
        """Nothing to wait for here."""

    found = await verify_each(verify, [UserId(1)], pause)
    assert found.differing == {1: Differences(frozenset({lasting}))}
    assert not looks


async def test_an_entry_that_its_author_page_has_lost_is_extra() -> None:
    """The home is right; what it is held against is not."""
    post = PostId(POSTS[-1])
    world = await World().deliver([PostCreated(version=0, post_id=post, author_id=1)], Random(0))
    timelines = world.reader.stores.author_timelines
    assert isinstance(timelines, MemoryAuthorTimelines)
    timelines._authors.clear()
    differences = await VerifyHomes(world.reader, world.home, world.retention)(UserId(1))
    assert differences == Differences(extra=frozenset({(post, None)}))
