"""A broker in this process, a log in it, and replays of that into memory stores."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import pytest

from schemas import topics
from schemas.codec import encode
from services.generations.memory import MemoryGenerations
from services.settings.brokers import Brokers
from services.settings.settings import Settings
from services.stores import Stores
from streams.bootstrap import Deps, create_metrics, memory_stores
from streams.embedded.mock_broker import MockBroker
from streams.kafka.publisher import Publisher
from streams.kafka.reader import TopicReader
from streams.outbox import MemoryOutbox, Outgoing
from streams.records import OffsetRange, Partition
from streams.replay import consumer
from streams.replay.plan import Plan
from streams.replay.planner import PlanRequest, make_plan
from streams.replay.progress import Progress
from streams.replay.run import ReplayLimits, ReplayState
from streams.replay.session import create_replay
from tests.histories import NOW

PARTITIONS = 2
PATIENCE = 60.0


@pytest.fixture
def bootstrap() -> Iterator[str]:
    with MockBroker() as broker:
        for name in topics.load_topics():
            broker.create_topic(name, PARTITIONS)
        yield broker.bootstrap


def publish(bootstrap: str, messages: Sequence[Any]) -> None:
    with Publisher(Brokers(bootstrap)) as publisher:
        for each in messages:
            publisher.send(
                each if isinstance(each, Outgoing) else Outgoing(*encode(each), timestamp=NOW)
            )


class Idle:
    """Live workers that are never behind, and a log that nobody adds to."""

    def __init__(self, behind: Callable[[], bool] = lambda: False) -> None:
        self._behind = behind

    async def look(self) -> tuple[dict[Partition, int], dict[Partition, int]]:
        return {("posts", 0): 1}, {("posts", 0): 0 if self._behind() else 1}

    async def ends(self, places: list[Partition]) -> dict[Partition, int]:
        return {}


class Forgetful(TopicReader):
    """Reads a log that has let go of what is below these offsets."""

    def __init__(self, bootstrap: str, forgotten: Mapping[Partition, int]) -> None:
        super().__init__(Brokers(bootstrap))
        self._forgotten = forgotten

    def spans(self, topics: Iterable[str]) -> list[OffsetRange]:
        return [
            each._replace(first=self._forgotten.get(Partition(each.topic, each.number), each.first))
            for each in super().spans(topics)
        ]


class Player:
    """Plans and runs replays of a broker's log into stores in memory."""

    def __init__(
        self,
        bootstrap: str,
        stores: Stores | None = None,
        generations: MemoryGenerations | None = None,
    ) -> None:
        self._bootstrap = bootstrap
        self.stores = stores or memory_stores()
        self.deps = Deps(
            Settings(retention_days=0), create_metrics(), self.stores, lambda: NOW,
            generations=generations or MemoryGenerations(),
        )  # fmt: skip
        self.outbox = MemoryOutbox()
        self.states: list[ReplayState] = []

    async def plan(
        self,
        asked: PlanRequest | None = None,
        name: str = "n",
        forgotten: Mapping[Partition, int] | None = None,
    ) -> Plan:
        with Forgetful(self._bootstrap, forgotten or {}) as reader:
            return await make_plan(
                asked or PlanRequest(), reader, self.stores.graph.follower_counts, name=name,
                made_at=NOW, epoch=self.deps.settings.epoch, into="live",
            )  # fmt: skip

    async def run(
        self,
        plan: Plan,
        *,
        live: Idle | None = None,
        limits: ReplayLimits | None = None,
        until: Callable[[ReplayState], bool] = lambda _: False,
    ) -> Progress:
        """To its end, or until a reported state says so."""
        stop = asyncio.Event()

        def on_progress(state: ReplayState) -> None:
            self.states.append(state)
            if until(state):
                stop.set()

        replay = create_replay(
            plan,
            self.deps,
            self.outbox,
            live or Idle(),
            limits=limits or ReplayLimits(),
            on_progress=on_progress,
        )
        async with asyncio.timeout(PATIENCE):
            return await replay(Brokers(self._bootstrap), stop)


@pytest.fixture(autouse=True)
def _quick_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """The broker in this process lets a group meet again when a session might be over."""
    monkeypatch.setattr(consumer, "SESSION_MS", 3_000)


@pytest.fixture
def player(bootstrap: str) -> Player:
    return Player(bootstrap)
