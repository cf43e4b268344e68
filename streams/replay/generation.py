"""A replay into a new generation: listed and acknowledged before the plan's ends are fixed."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Final

from services.generations.generations import Generation, GenerationRefused, Generations
from services.generations.store import GenerationStore
from services.generations.view import FRESH_SECONDS
from streams.acknowledgement import Members, change_generations, wait_until_acknowledged
from streams.clock import SystemClock, WaitingClock
from streams.progress import ProgressCallback
from streams.replay.plan import Plan, PlanRefused, replay_group

PAGE_SECONDS: Final = 5.0
"""For pages that began before a generation was retired."""

GroupMembers = Callable[[str], Awaitable[Collection[str]]]
"""Returns the members of a consumer group."""


async def expect_free(store: GenerationStore, name: str, replay: str) -> None:
    """Raise PlanRefused where no new generation can have this name. Or StoreUnavailable."""
    try:
        (await store.load()).add(name, replay)
    except GenerationRefused as error:
        raise PlanRefused(f"--into: {error}") from error


async def list_generation(
    store: GenerationStore, plan: Plan, members: Members, on_progress: ProgressCallback[str]
) -> Generation:
    """List the plan's generation, and return it when every live worker writes it, too.

    Its tables are created before it is listed. Raises GenerationRefused, NotAcknowledged,
    StoreUnavailable and BrokerUnavailable.
    """

    def listing(known: Generations) -> Generations:
        return known.add(plan.into, plan.name)

    known = await store.load()
    if listing(known) is not known:
        await store.create(plan.into)
    listed = (await change_generations(store, listing)).get(plan.into)
    assert listed is not None
    await wait_until_acknowledged(store, members, listed.since, on_progress)
    return listed


async def find_generation(store: GenerationStore, plan: Plan) -> Generation | None:
    """Return the generation that a plan fills or has filled; None before the plan is run.

    Raises GenerationRefused if it was retired since, and StoreUnavailable.
    """
    known = await store.load()
    known.expect_valid(plan.name)
    found = known.get(plan.into)
    return found if found is not None and found.replay == plan.name else None


async def expect_generation(store: GenerationStore, plan: Plan) -> None:
    """Raise GenerationRefused where the tables that a replay fills are gone. Or StoreUnavailable.

    Their writers wait for them without end, as those that are not listed yet will be.
    """
    found = await find_generation(store, plan)
    if found is None or found.since != plan.since:
        raise GenerationRefused(
            f"generation {plan.into} of replay {plan.name} is gone: make a new plan "
            f"(mingle replay plan --into {plan.into})"
        )


async def expect_valid(store: GenerationStore, plan: Plan) -> None:
    """Raise GenerationRefused where a plan is void. Or StoreUnavailable."""
    (await store.load()).expect_valid(plan.name)


async def cancel_replay(store: GenerationStore, plan: Plan) -> None:
    """Make a plan void: every process that runs it ends within seconds, and none begins again.

    What was applied stays. Raises GenerationRefused where the plan's generation is whole.
    """

    def void(known: Generations) -> Generations:
        filled = known.get(plan.into)
        if filled is not None and filled.whole and filled.replay == plan.name:
            raise GenerationRefused(
                f"replay {plan.name} is over: `mingle replay retire {plan.into}` removes what it "
                "filled"
            )
        return known.void(plan.name)

    await change_generations(store, void)


async def mark_filled(store: GenerationStore, plan: Plan) -> None:
    """Record that the replay is over. Raises GenerationRefused and StoreUnavailable."""
    await change_generations(store, lambda known: known.mark_filled(plan.into, plan.name))


async def retire_generation(  # noqa: PLR0913 - its ports, by name
    store: GenerationStore,
    name: str,
    members: Members,
    group_members: GroupMembers,
    *,
    request_seconds: float,
    on_progress: ProgressCallback[str],
    clock: WaitingClock | None = None,
) -> Generations:
    """Drop a generation once nobody writes or reads it. May be repeated after an interruption.

    Refused while its replay runs, whose plan is void then. Raises GenerationRefused,
    NotAcknowledged, StoreUnavailable and BrokerUnavailable.
    """
    clock = clock or SystemClock()
    await _expect_no_replay((await store.load()).get(name), group_members)
    retiring = (await change_generations(store, lambda known: known.retire(name))).get(name)
    if retiring is None or retiring.until is None:
        raise GenerationRefused(f"there is no generation {name}")
    began = clock.now()
    await wait_until_acknowledged(store, members, retiring.until, on_progress, clock)
    on_progress("waits until what began before must be over")
    grace = FRESH_SECONDS + request_seconds + PAGE_SECONDS
    await clock.wait(asyncio.Event(), max(0.0, began + grace - clock.now()))
    await store.drop(name)
    return await change_generations(store, lambda known: known.remove(name))


async def _expect_no_replay(found: Generation | None, group_members: GroupMembers) -> None:
    """Raise GenerationRefused while processes fill this generation."""
    if found is None or not found.replay or not found.is_written:
        return
    if running := await group_members(replay_group(found.replay, found.since)):
        raise GenerationRefused(
            f"generation {found.name} is being filled by replay {found.replay} "
            f"({len(running)} processes): stop `mingle replay run` first; a process that was "
            "killed counts for 30 s"
        )
