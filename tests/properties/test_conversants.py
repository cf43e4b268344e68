"""Conversants are who the model says, in any order of arrival, however often all of it comes."""

from collections.abc import Sequence
from itertools import pairwise
from random import Random

from schemas.events import PostFact
from schemas.ids import DAY_MS, UserId
from services.readers.conversants import ConversantsReader
from tests.histories import NOW, RETENTION_DAYS, Fact, chances, log
from tests.model import Model
from tests.properties.conftest import Prove
from tests.properties.test_talk import TALKERS, histories
from tests.properties.world import World


def model(facts: Sequence[Fact]) -> Model:
    return Model(log(facts), NOW, RETENTION_DAYS * DAY_MS)


def uncontested(facts: Sequence[Fact]) -> list[Fact]:
    """The facts of one author for each id: how active somebody is goes by their ids alone."""
    owners: dict[int, int] = {}
    return [
        fact
        for fact in facts
        if not isinstance(fact, PostFact)
        or owners.setdefault(fact.post_id, fact.author_id) == fact.author_id
    ]


async def assert_knows(world: World, expected: Model) -> None:
    """The same people for the same reasons; sums of floats may differ in their last digits."""
    reader = ConversantsReader(world.reader, world.retention)
    for viewer in map(UserId, TALKERS):
        found = await reader.read(viewer)
        known = expected.acquaintances(viewer)
        assert len(found) == len(known), viewer
        for each in found:
            how = known[each.user_id]
            assert (each.follow, each.reason) == (how.follow, how.reason), viewer
            assert set(each.in_common) == how.in_common, viewer
        order = [known[each.user_id] for each in found]
        for one, other in pairwise(order):
            assert one.follow < other.follow or (
                one.follow == other.follow and one.amount >= other.amount - 1e-5
            ), viewer


def test_everybody_learns_whom_they_talk_with(prove: Prove) -> None:
    """Whatever the order in which it arrived, and again when it comes twice."""

    async def holds(facts: list[Fact], chance: Random) -> None:
        world, expected = await World().deliver(facts, chance), model(facts)
        await assert_knows(world, expected)
        await world.deliver(chance.sample(facts, chance.randint(0, len(facts))), chance)
        await assert_knows(world, expected)

    prove(holds, 100, histories.map(uncontested), chances)


def test_several_workers_leave_what_one_leaves(prove: Prove) -> None:
    """Each at its own pace, with posts kept for ever."""

    async def holds(facts: list[Fact], chance: Random) -> None:
        world = await World(days=0).deliver_by(3, facts, chance)
        await assert_knows(world, Model(log(facts), NOW, 0))

    prove(holds, 60, histories.map(uncontested), chances)
