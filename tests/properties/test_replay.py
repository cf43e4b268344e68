"""A replay shows what the model says, whatever it is of, in any order and beside live workers."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from hypothesis import strategies as st

from schemas.codec import KINDS
from services.handlers.handler import Accepted, Handler
from services.handlers.pages import FanOutPolicy
from streams.replay.plan import EDGES
from streams.routes import create_inline_handlers
from tests.histories import NOW, Fact, chances, conversations, histories
from tests.properties.conftest import Prove
from tests.properties.test_rebuild import EVERYBODY, lose_homes
from tests.properties.world import METRICS, World, assert_same, batches, says
from tests.relation_histories import peopled_histories

all_histories = histories() | peopled_histories() | conversations()


pulls = st.sampled_from((0, 1, 2))
"""From how many followers on a replay, or a live worker, leaves authors to be pulled."""


def replaying(world: World, pull: int, *, backfills: bool = True) -> Mapping[str, Handler[Any]]:
    return create_inline_handlers(
        world.reader.stores,
        METRICS,
        world.retention,
        world.clock,
        backfills=backfills,
        pull_followers=pull,
    )


def topic_of(fact: Fact) -> str:
    return KINDS[str(type(fact).__struct_config__.tag)].topic


async def replayed(handlers: Mapping[str, Handler[Any]], facts: Sequence[Fact]) -> None:
    """One batch, topic by topic."""
    for topic in dict.fromkeys(map(topic_of, facts)):
        await handlers[topic]([Accepted(each, NOW) for each in facts if topic_of(each) == topic])


def test_a_replay_of_all_shows_what_the_model_says(prove: Prove) -> None:
    """In any batches and any order, twice; into stores that are empty."""

    async def holds(history: list[Fact], chance: Random, pull: int) -> None:
        world = World()
        for _ in range(2):
            for batch in batches(history, chance):
                await replayed(replaying(world, pull), batch)
            assert_same(await world.shows(), says(history))

    prove(holds, 40, all_histories, chances, pulls)


def test_edges_first_need_no_backfills(prove: Prove) -> None:
    """Every edge before any post, each post once: into stores that lost their homes, or are new."""

    async def holds(history: list[Fact], chance: Random, lost: bool, pull: int) -> None:
        world = await World().deliver(history, chance) if lost else World()
        await lose_homes(world, EVERYBODY)
        handlers = replaying(world, pull, backfills=False)
        edges = [fact for fact in history if topic_of(fact) in EDGES]
        posts = [fact for fact in history if topic_of(fact) not in EDGES]
        for some in (edges, posts):
            for batch in batches(some, chance):
                await replayed(handlers, batch)
        assert_same(await world.shows(), says(history))

    prove(holds, 40, all_histories, chances, st.booleans(), pulls)


def test_a_replay_beside_live_workers_changes_nothing_else(prove: Prove) -> None:
    """Early facts are replayed while late ones arrive; homes were lost before."""

    async def holds(
        early: list[Fact], late: list[Fact], chance: Random, live_pull: int, pull: int
    ) -> None:
        world = World(policies=[FanOutPolicy(pull_followers=live_pull)])
        await world.deliver(early, chance)
        await lose_homes(world, EVERYBODY)
        handlers = replaying(world, pull)
        live = batches(late, chance)
        for batch in batches(early, chance):
            await replayed(handlers, batch)
            if live and chance.random() < 0.5:
                await world.handle(live.pop())
        await world.deliver([fact for batch in live for fact in batch], chance)
        assert_same(await world.shows(), says([*early, *late]))

    prove(holds, 25, histories(), histories(), chances, pulls, pulls)
