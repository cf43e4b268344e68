"""Replays into a generation whose tables go while they are filled, and come again empty."""

import asyncio

import pytest
from msgspec.structs import replace

from services.errors import StoreUnavailable
from services.generations.generations import GenerationRefused, Generations
from services.generations.memory import MemoryGenerations
from services.generations.view import FixedGeneration, FollowedGenerations
from services.stores import Stores
from services.timelines.generational import GenerationalHomeTimelines
from services.timelines.memory import MemoryHomeGeneration
from streams.acknowledgement import change_generations
from streams.bootstrap import memory_stores
from streams.replay.generation import cancel_replay
from streams.replay.plan import Plan
from streams.replay.run import ReplayLimits, ReplayState
from tests.replay.conftest import Player, publish
from tests.replay.test_run import expected_homes, history, homes

NAME = "b"


def stores_of(generations: MemoryGenerations) -> Stores:
    """New tables of the generation, as a replay into it writes them."""
    view = FixedGeneration(FollowedGenerations(generations.load), NAME)
    return memory_stores(generations)._replace(
        home_timelines=GenerationalHomeTimelines(view, MemoryHomeGeneration)
    )


async def begin(generations: MemoryGenerations, plan: Plan) -> Plan:
    """List the generation for this plan, as `run` does."""
    listed = await change_generations(generations, lambda known: known.add(NAME, plan.name))
    found = listed.get(NAME)
    assert found is not None
    return replace(plan, into=NAME, since=found.since)


def retire(generations: MemoryGenerations) -> None:
    """At once, by somebody who did not ask whether a replay fills it."""
    generations._list = generations._list.retire(NAME).remove(NAME)


async def test_a_run_whose_generation_has_gone_ends(bootstrap: str, player: Player) -> None:
    """Its writes are retried by a loop that could wait for ever; the error says what to do."""
    publish(bootstrap, history(300))
    generations = MemoryGenerations()
    plan = await begin(generations, await player.plan())
    filling = Player(bootstrap, stores_of(generations), generations)

    def retire_once_begun(state: ReplayState) -> bool:
        if state.progress.done and generations._list.get(NAME):
            retire(generations)
        return False

    with pytest.raises(GenerationRefused, match=r"retired.*mingle replay plan"):
        await filling.run(plan, limits=ReplayLimits(rate=100), until=retire_once_begun)
    assert 0 < filling.states[-1].progress.done < filling.states[-1].progress.total


async def test_offsets_of_an_earlier_life_are_never_taken_for_this_one(
    bootstrap: str, player: Player
) -> None:
    """A list that forgot that the plan is void, as earlier releases wrote it: all is read again."""
    publish(bootstrap, facts := history())
    generations = MemoryGenerations()
    plan = await player.plan()
    first = Player(bootstrap, stores_of(generations), generations)
    assert (await first.run(await begin(generations, plan))).is_over
    retire(generations)
    generations._list = replace(generations._list, voided=())
    again = await begin(generations, plan)
    second = Player(bootstrap, stores_of(generations), generations)
    assert (await second.run(again)).is_over
    assert await homes(second.stores) == expected_homes(facts)


async def test_a_store_that_is_away_ends_no_replay(bootstrap: str, player: Player) -> None:
    """Whether the generation is there is not known then; the reason to wait is reported."""
    publish(bootstrap, facts := history())

    class Away(MemoryGenerations):
        failures = 2

        async def load(self) -> Generations:
            if self.failures and self._list.get(NAME):
                self.failures -= 1
                raise StoreUnavailable("away")
            return await super().load()

    generations = Away()
    plan = await begin(generations, await player.plan())
    filling = Player(bootstrap, stores_of(generations), generations)
    assert (await filling.run(plan)).is_over
    assert "the store: away" in [each.waits for each in filling.states]
    assert await homes(filling.stores) == expected_homes(facts)


async def test_a_replay_that_is_cancelled_ends_and_never_goes_on(
    bootstrap: str, player: Player
) -> None:
    """Every process that runs it, into live tables as well; what it applied stays."""
    publish(bootstrap, history(300))
    generations = MemoryGenerations()
    plan = await player.plan()
    running = Player(bootstrap, memory_stores(generations), generations)
    cancelling: list[asyncio.Task[None]] = []

    def cancel_once_begun(state: ReplayState) -> bool:
        if state.progress.done and not cancelling:
            cancelling.append(asyncio.create_task(cancel_replay(generations, plan)))
        return False

    with pytest.raises(GenerationRefused, match="cancelled"):
        await running.run(plan, limits=ReplayLimits(rate=100), until=cancel_once_begun)
    done = running.states[-1].progress.done
    assert 0 < done < running.states[-1].progress.total
    with pytest.raises(GenerationRefused, match="cancelled"):
        await running.run(plan)


async def test_a_replay_that_is_over_is_not_cancelled(bootstrap: str, player: Player) -> None:
    """Its generation may be read by now; the error names the command that removes it."""
    publish(bootstrap, history())
    generations = MemoryGenerations()
    plan = await begin(generations, await player.plan())
    await change_generations(generations, lambda known: known.mark_filled(NAME, plan.name))
    with pytest.raises(GenerationRefused, match="mingle replay retire b"):
        await cancel_replay(generations, plan)
