"""Who has to acknowledge a list of generations before a replay's ends are fixed, and who has."""

import asyncio
from collections.abc import Callable, Collection

import pytest
from msgspec.structs import replace

from services.generations.generations import GenerationRefused, Generations
from services.generations.memory import MemoryGenerations
from services.generations.store import Acknowledgement
from services.generations.view import FollowedGenerations
from services.storage.generation_tables import FIRST
from services.timelines.generational import GenerationalHomeTimelines
from services.timelines.memory import MemoryHomeGeneration
from streams.acknowledgement import (
    GenerationAcknowledger,
    NotAcknowledged,
    change_generations,
    late_workers,
    wait_until_acknowledged,
)
from streams.records import OffsetRange
from streams.replay.generation import (
    expect_generation,
    find_generation,
    list_generation,
    mark_filled,
    retire_generation,
)
from streams.replay.plan import Plan, Source, fix_ends, replay_group

ALICE, BOB = "alice-ingest", "bob-ingest"
PLAN = Plan(name="n", made_at=0, into="b", sources=(Source("posts", 0, 2, 5),), whole=True)


class Clock:
    """Time passes while somebody waits."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        self.time += seconds
        await asyncio.sleep(0)


class Group:
    """Who is in it, one answer after the other; the last one stays."""

    def __init__(self, *answers: Collection[str] | None) -> None:
        self._answers = list(answers)

    async def __call__(self) -> Collection[str] | None:
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


class ReplayGroups:
    """The groups of replays and their members."""

    def __init__(self, **members: Collection[str]) -> None:
        self.members = {name.replace("_", "-"): each for name, each in members.items()}

    async def __call__(self, group: str) -> Collection[str]:
        return self.members.get(group, ())


IDLE = ReplayGroups()


async def acknowledge(store: MemoryGenerations, number: int, *workers: str) -> None:
    await store.acknowledge(workers, Acknowledgement(number, 0))


async def test_who_has_not_acknowledged_is_late() -> None:
    """Live workers only, also one that never acknowledged; none while a group rebalances."""
    store = MemoryGenerations()
    await acknowledge(store, 3, ALICE)
    await acknowledge(store, 4, "dead-ingest")
    assert await late_workers(store, Group([ALICE, BOB]), 3) == [BOB]
    assert await late_workers(store, Group([ALICE, BOB]), 4) == [ALICE, BOB]
    assert await late_workers(store, Group([ALICE]), 3) == []
    assert await late_workers(store, Group([]), 9) == []
    assert await late_workers(store, Group(None), 0) is None


async def test_a_replay_waits_for_who_is_late_by_name() -> None:
    """Until it has acknowledged, or is no more in the group."""
    store, reported = MemoryGenerations(), list[str]()
    await acknowledge(store, 1, ALICE)
    await wait_until_acknowledged(
        store, Group(None, [ALICE, BOB], [ALICE]), 1, reported.append, Clock()
    )
    assert [each.split(" to ")[0] for each in reported] == ["waits for groups that rebalance",
                                                       f"waits for {BOB}"]  # fmt: skip


async def test_it_does_not_wait_for_ever() -> None:
    with pytest.raises(NotAcknowledged, match=BOB):
        await wait_until_acknowledged(MemoryGenerations(), Group([BOB]), 1, clock=Clock())


async def test_a_worker_acknowledges_what_it_goes_by() -> None:
    """Once for each list, after it has read it."""
    store = MemoryGenerations()
    view = FollowedGenerations(store.load, lambda: 0.0)
    homes = GenerationalHomeTimelines(view, MemoryHomeGeneration)
    worker = GenerationAcknowledger(homes, store, [ALICE, "alice-fanout"], lambda: 7)
    await worker.look()
    assert await store.acknowledgements() == dict.fromkeys(
        (ALICE, "alice-fanout"), Acknowledgement(0, 7)
    )
    await change_generations(store, lambda known: known.add("b", "n"))
    assert await late_workers(store, Group([ALICE]), 1) == [ALICE]
    await worker.look()
    assert await late_workers(store, Group([ALICE]), 1) == []


async def test_a_generation_is_whole_only_after_its_replay() -> None:
    store = MemoryGenerations()
    await list_generation(store, PLAN, Group([]), lambda _: None)
    await list_generation(store, PLAN, Group([]), lambda _: None)  # another process, or again
    with pytest.raises(GenerationRefused, match="not whole"):
        await change_generations(store, lambda known: known.cutover("b"))
    await mark_filled(store, PLAN)
    assert (await change_generations(store, lambda known: known.cutover("b"))).live == "b"


async def test_what_retires_is_dropped_when_everybody_knows() -> None:
    """And not before what was begun can be over; whoever was interrupted does it again."""
    dropped: list[float] = []
    clock = Clock()

    class Store(MemoryGenerations):
        async def drop(self, name: str) -> None:
            assert name == "b"
            dropped.append(clock.now())

    store = Store()
    await change_generations(store, lambda known: known.add("b", "n"))
    with pytest.raises(NotAcknowledged):
        await retire_generation(
            store, "b", Group([BOB]), IDLE, request_seconds=10, on_progress=print, clock=clock
        )
    assert not dropped
    began = clock.now()
    await acknowledge(store, 2, BOB)
    known = await retire_generation(
        store, "b", Group([BOB]), IDLE, request_seconds=10, on_progress=print, clock=clock
    )
    assert [each.name for each in known.listed] == [FIRST]
    assert dropped[0] - began >= 10


async def test_what_a_replay_fills_does_not_retire() -> None:
    """Refused while processes are in its group, and nothing is changed; once they left, it does."""
    store = MemoryGenerations()
    found = await list_generation(store, PLAN, Group([]), lambda _: None)
    groups = ReplayGroups(**{replay_group(PLAN.name, found.since): ["one", "two"]})

    async def retire() -> Generations:
        return await retire_generation(
            store, "b", Group([]), groups, request_seconds=0, on_progress=print, clock=Clock()
        )

    before = await store.load()
    with pytest.raises(GenerationRefused, match=r"replay n \(2 processes\).*mingle replay run"):
        await retire()
    assert await store.load() == before
    groups.members.clear()
    assert (await retire()).get("b") is None


async def test_a_plan_is_void_once_its_generation_retired() -> None:
    """Its tables are gone, and so is what its offsets say; the next plan begins with its own."""
    store = MemoryGenerations()
    first = await list_generation(store, PLAN, Group([]), lambda _: None)
    assert await find_generation(store, PLAN) == first
    await expect_generation(store, replace(PLAN, since=first.since))
    await retire_generation(
        store, "b", Group([]), IDLE, request_seconds=0, on_progress=print, clock=Clock()
    )
    for refused in (
        list_generation(store, PLAN, Group([]), lambda _: None),
        find_generation(store, PLAN),
        expect_generation(store, replace(PLAN, since=first.since)),
    ):
        with pytest.raises(GenerationRefused, match=r"replay n .*void.*mingle replay plan"):
            await refused
    second = await list_generation(store, replace(PLAN, name="m"), Group([]), lambda _: None)
    assert second.since != first.since


async def test_a_life_of_a_generation_has_a_group_of_its_own() -> None:
    """Also of a plan that an earlier release let begin twice."""
    groups = {replace(PLAN, since=each).group for each in (None, 1, 4)}
    assert len(groups) == 3
    store = MemoryGenerations()
    found = await list_generation(store, PLAN, Group([]), lambda _: None)
    with pytest.raises(GenerationRefused, match="generation b of replay n is gone"):
        await expect_generation(store, replace(PLAN, since=found.since + 1))


async def test_two_who_change_the_list_lose_nothing() -> None:
    """Whoever was late looks again."""
    store = MemoryGenerations()
    others: list[Callable[[Generations], Generations]] = [lambda known: known.add("c", "other")]

    def change(known: Generations) -> Generations:
        if others:
            other = others.pop()
            store._list = other(known)
        return known.add("b", "n")

    known = await change_generations(store, change)
    assert [each.name for each in known.listed] == [FIRST, "c", "b"]


def test_ends_are_fixed_where_the_log_ends_now() -> None:
    """Of partitions that came since the plan was made too; from where the plan begins."""
    plan = fix_ends(PLAN, [OffsetRange("posts", 0, 3, 9), OffsetRange("posts", 1, 0, 4)])
    assert plan.sources == (Source("posts", 0, 2, 9), Source("posts", 1, 0, 4))
    assert plan.events == 11
