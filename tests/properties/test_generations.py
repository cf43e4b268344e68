"""Generations of homes: at every place in a history, what is shown is what the model says."""

from collections.abc import Sequence
from contextlib import suppress
from random import Random
from typing import Any

from schemas.codec import KINDS
from services.generations.generations import GenerationRefused
from services.generations.memory import MemoryGenerations
from services.generations.view import (
    FRESH_SECONDS,
    FixedGeneration,
    FollowedGenerations,
    GenerationsView,
)
from services.handlers.handler import Accepted, Handler
from services.handlers.outbox import MemoryRequestOutbox
from services.storage.generation_tables import FIRST
from services.stores import Stores
from services.timelines.generational import GenerationalHomeTimelines
from services.timelines.memory import MemoryHomeGeneration
from services.timelines.store import HomeGeneration
from streams.acknowledgement import GenerationAcknowledger, change_generations, late_workers
from streams.bootstrap import memory_stores
from streams.replay.plan import EDGES
from streams.routes import ROUTES, create_handlers, create_inline_handlers
from tests.histories import NOW, Fact, chances, conversations, histories
from tests.properties.conftest import Prove
from tests.properties.world import METRICS, World, assert_same, batches, says, some
from tests.relation_histories import peopled_histories

WORKERS = ("a", "b")
NAMES = ("second", "third", FIRST)
WEIGHTS = (2, 4, 0.5, 0.3, 2, 8)
"""Of what may happen in a step: said, handled, looks, dies, operated, replayed."""

STEPS = 100
"""After which all is handled, and compared: some three replays."""

all_histories = histories() | peopled_histories() | conversations()


def topic_of(message: Any) -> str:
    return KINDS[str(type(message).__struct_config__.tag)].topic


class Worker:
    """A live worker, which learns of generations when it looks, and not before."""

    def __init__(self, town: "Town", name: str) -> None:
        self.name = name
        view = FollowedGenerations(town.list.load, lambda: 0.0)  # what it has read never gets old
        stores = town.seen_by(view)
        self._acknowledging = GenerationAcknowledger(
            stores.home_timelines, town.list, [name], town.world.clock
        )
        self._handlers = create_handlers(
            stores, town.outbox, METRICS, town.world.retention, town.world.clock
        )
        self.look = self._acknowledging.look

    async def handle(self, messages: Sequence[Any]) -> None:
        for message in messages:
            for route in (each for each in ROUTES if each.topic == topic_of(message)):
                await self._handlers[route.agent]([Accepted(message, NOW)])


class Replaying:
    """A replay into a generation: edges first, then posts up to where the log ends by then."""

    def __init__(self, town: "Town", name: str, replay: str) -> None:
        self.name = name
        self.replay = replay
        self._town = town
        self._handlers: Any = create_inline_handlers(
            town.seen_by(FixedGeneration(town.fresh(), name)),
            METRICS,
            town.world.retention,
            town.world.clock,
            backfills=False,
            pull_followers=0,
        )
        self._left: list[list[Fact]] | None = None
        self._are_edges = True

    async def go_on(self, chance: Random) -> None:
        if self._left is None:
            found = (await self._town.list.load()).get(self.name)
            if found is None or await self._town.late(found.since):
                return
            self._left = self._part(chance, edges=True)
        if self._left:
            for fact in self._left.pop():
                handle: Handler[Any] = self._handlers[topic_of(fact)]
                await handle([Accepted(fact, NOW)])
        elif self._are_edges:
            self._are_edges = False
            self._left = self._part(chance, edges=False)
        else:
            await change_generations(
                self._town.list, lambda known: known.mark_filled(self.name, self.replay)
            )

    def _part(self, chance: Random, *, edges: bool) -> list[list[Fact]]:
        wanted = [each for each in self._town.log if (topic_of(each) in EDGES) is edges]
        return batches(wanted, chance)


class Town:
    """Workers, replays and readers on the same stores in memory, each with a view of its own."""

    def __init__(self) -> None:
        self.world = World()
        self.list = MemoryGenerations()
        self.outbox = MemoryRequestOutbox()
        self.log: list[Fact] = []
        self.waiting: list[Fact] = []
        self._stores = memory_stores()
        self._homes: dict[str, HomeGeneration] = {}
        self.workers = {name: Worker(self, name) for name in WORKERS}
        self._replays: dict[str, Replaying] = {}
        self._listed = 0
        self.world = World(stores=self.seen_by(self.fresh()))

    def seen_by(self, view: GenerationsView) -> Stores:
        return self._stores._replace(home_timelines=GenerationalHomeTimelines(view, self._opened))

    def fresh(self) -> FollowedGenerations:
        """A view that is read anew by whoever asks."""
        times = iter(range(10**9))
        return FollowedGenerations(self.list.load, lambda: next(times) * FRESH_SECONDS)

    def _opened(self, name: str) -> HomeGeneration:
        return self._homes.setdefault(name, MemoryHomeGeneration(name))

    async def late(self, number: int) -> list[str]:
        async def members() -> Sequence[str]:
            return WORKERS

        found = await late_workers(self.list, members, number)
        assert found is not None
        return found

    async def step(self, history: list[Fact], chance: Random) -> None:
        """One thing that may happen."""
        worker = self.workers[chance.choice(WORKERS)]
        match chance.choices(("said", "handled", "looks", "dies", "operated", "replayed"), WEIGHTS):
            case ["said"]:
                for _ in range(min(len(history), chance.randint(1, 4))):
                    self.log.append(history[-1])
                    self.waiting.append(history.pop())
            case ["handled"]:
                await self._handled(worker, chance)
            case ["looks"]:
                await worker.look()
            case ["dies"]:
                self.workers[worker.name] = Worker(self, worker.name)
            case ["operated"]:
                await self._operate(chance)
            case _:
                for replay in list(self._replays.values()):
                    with suppress(GenerationRefused):
                        await replay.go_on(chance)

    async def _handled(self, worker: Worker, chance: Random) -> None:
        waiting = [each for each in (self.waiting, self.outbox.sent) if each]
        if waiting:
            await worker.handle(some(chance.choice(waiting), chance))

    async def settle(self, chance: Random) -> None:
        """All that was said is handled."""
        while self.waiting or self.outbox.sent:
            await self._handled(self.workers[chance.choice(WORKERS)], chance)

    async def _operate(self, chance: Random) -> None:
        name = chance.choice(NAMES)
        with suppress(GenerationRefused):
            match chance.choice(("list", "list", "cutover", "cutover", "rollback", "retire")):
                case "list":
                    self._listed += 1
                    replay = f"replay-{self._listed}"
                    await change_generations(self.list, lambda known: known.add(name, replay))
                    self._replays[name] = Replaying(self, name, replay)
                case "cutover":
                    await change_generations(self.list, lambda known: known.cutover(name))
                case "rollback":
                    await change_generations(self.list, lambda known: known.rollback())
                case "retire":
                    await self._retire(name)

    async def _retire(self, name: str) -> None:
        """Its tables go when everybody knows; until then the next one tries again."""
        found = (await change_generations(self.list, lambda known: known.retire(name))).get(name)
        self._replays.pop(name, None)
        assert found
        assert found.until is not None
        if not await self.late(found.until):
            self._homes[name] = MemoryHomeGeneration(name)
            await change_generations(self.list, lambda known: known.remove(name))


def test_what_is_shown_is_what_the_model_says_whatever_is_read(prove: Prove) -> None:
    """Writes, replays, cutovers, rollbacks and retirements in any order, workers that learn late.

    Whenever all that was said is handled; at the end of every generation that may be read.
    """

    async def holds(history: list[Fact], chance: Random) -> None:
        town = Town()
        left = chance.sample(history, len(history))
        for step in range(2 * STEPS):
            await town.step(left, chance)
            if step % STEPS == STEPS - 1:
                await town.settle(chance)
                assert_same(await town.world.shows(), says(town.log))
        for each in (await town.list.load()).written:
            if each.whole:
                await change_generations(
                    town.list, lambda known, name=each.name: known.cutover(name)
                )
                assert_same(await town.world.shows(), says(town.log))

    prove(holds, 6, all_histories, chances)
