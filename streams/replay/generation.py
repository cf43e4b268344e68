"""A replay into a new generation: listed and acknowledged before the plan's ends are fixed."""

import asyncio
from typing import Final

from services.generations.generations import GenerationRefused, Generations
from services.generations.store import GenerationStore
from services.generations.view import FRESH_SECONDS
from streams.acknowledgement import Members, change_generations, wait_until_acknowledged
from streams.clock import SystemClock, WaitingClock
from streams.progress import ProgressCallback
from streams.replay.plan import Plan, PlanRefused

PAGE_SECONDS: Final = 5.0
"""For pages that began before a generation was retired."""


async def expect_free(store: GenerationStore, name: str, replay: str) -> None:
    """Raise PlanRefused where no new generation can have this name. Or StoreUnavailable."""
    try:
        (await store.load()).add(name, replay)
    except GenerationRefused as error:
        raise PlanRefused(f"--into: {error}") from error


async def list_generation(
    store: GenerationStore, plan: Plan, members: Members, on_progress: ProgressCallback[str]
) -> None:
    """List the plan's generation, and return when every live worker writes it beside the others.

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


async def is_filled(store: GenerationStore, plan: Plan) -> bool:
    """Whether this replay has filled the plan's generation. Raises StoreUnavailable."""
    found = (await store.load()).get(plan.into)
    return found is not None and found.whole and found.replay == plan.name


async def mark_filled(store: GenerationStore, plan: Plan) -> None:
    """Record that the replay is over. Raises GenerationRefused and StoreUnavailable."""
    await change_generations(store, lambda known: known.mark_filled(plan.into, plan.name))


async def retire_generation(  # noqa: PLR0913 - its ports, by name
    store: GenerationStore,
    name: str,
    members: Members,
    *,
    request_seconds: float,
    on_progress: ProgressCallback[str],
    clock: WaitingClock | None = None,
) -> Generations:
    """Drop a generation once nobody writes or reads it. May be repeated after an interruption.

    Raises GenerationRefused, NotAcknowledged, StoreUnavailable and BrokerUnavailable.
    """
    clock = clock or SystemClock()
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
