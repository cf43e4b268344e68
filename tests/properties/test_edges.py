"""Where the log has let go of follows, the snapshot of edges and what is left say the same."""

from collections.abc import Sequence
from random import Random

from hypothesis import strategies as st

from schemas.events import FollowCreated, FollowDeleted, FollowFact
from services.handlers.handler import Accepted
from services.relations.store import RelationStore
from streams.replay.edges import every_edge
from tests.histories import NOW, Fact, chances, histories
from tests.properties.conftest import Prove
from tests.properties.test_replay import replayed, replaying
from tests.properties.world import World, assert_same, batches, says
from tests.relation_histories import peopled_histories

FOLLOWS = (FollowCreated, FollowDeleted)
all_histories = histories() | peopled_histories()


async def snapshot_of(relations: RelationStore) -> list[FollowFact]:
    return [fact async for some in every_edge(relations) for fact in some]


def kept(history: Sequence[Fact], chance: Random) -> list[Fact]:
    """All but some of the follows: which ones the log has lost, and in what order, is by chance."""
    return [each for each in history if not isinstance(each, FOLLOWS) or chance.random() < 0.4]


def test_a_snapshot_and_what_the_log_has_left_show_what_the_model_says(prove: Prove) -> None:
    """Into empty stores, edges first or not; before the snapshot or after it, the log may go on."""

    async def holds(early: list[Fact], late: list[Fact], chance: Random, edges_first: bool) -> None:
        old = await World().deliver(early, chance)
        snapshot = await snapshot_of(old.reader.stores.relations)
        left = [*kept(early, chance), *late]
        world = World()
        handlers = replaying(world, 0, backfills=not edges_first)
        later = [each for each in left if edges_first and hasattr(each, "author_id")]
        sooner = [each for each in left if each not in later]
        await handlers["follow-edges"]([Accepted(each, NOW) for each in snapshot])
        for some in (sooner, later):
            for batch in batches(some, chance):
                await replayed(handlers, batch)
        await world.erase(chance)  # as a replay does at its end
        assert_same(await world.shows(), says([*early, *late]))

    prove(holds, 12, all_histories, histories(), chances, st.booleans())


async def test_an_edge_whose_end_the_log_lost_stays_ended() -> None:
    """Although its beginning is still there: the snapshot holds the end, too."""
    began = FollowCreated(version=1, follower_id=1, followee_id=2)
    ended = FollowDeleted(version=2, follower_id=1, followee_id=2)
    old = await World().deliver([began, ended], Random(0))
    snapshot = await snapshot_of(old.reader.stores.relations)
    assert snapshot == [ended]
    for order in ((began, *snapshot), (*snapshot, began)):
        world = World()
        for each in order:
            await replayed(replaying(world, 0), [each])
        assert await world.reader.stores.relations.followees(1, after=0, limit=9) == []


async def test_a_snapshot_of_a_snapshot_is_the_same() -> None:
    """Each edge once, however many there are of one person and of how many people."""
    facts = [
        FollowCreated(version=1, follower_id=follower, followee_id=followee)
        for follower, count in ((1, 2_100), (2, 1_000), *((each, 1) for each in range(3, 80)))
        for followee in range(100, 100 + count)
    ]
    world = World()
    await replayed(replaying(world, 0), facts)
    first = await snapshot_of(world.reader.stores.relations)
    assert len(first) == len(facts)
    again = World()
    await replayed(replaying(again, 0), first)
    second = await snapshot_of(again.reader.stores.relations)
    assert first == second
    assert {(each.follower_id, each.followee_id) for each in first} == {
        (each.follower_id, each.followee_id) for each in facts
    }
