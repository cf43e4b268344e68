"""Random faults, one after the other, of processes and of the network at once; all from a seed.

Each fault says whether it has really happened. The kinds are dealt like cards: all of them in a
random order, then again.
"""

import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple

from confluent_kafka import KafkaException

from servers.process import wait_until
from servers.server import Server
from streams.routes import ROLES
from tests.e2e.background import BackgroundThread
from tests.e2e.disk import full
from tests.e2e.pipeline import Pipeline
from tests.e2e.worker_processes import WorkerProcesses
from tests.faults.proxy import Proxy, Weather

NOTICE_SECONDS = 30.0
"""In which a fault must be noticed by those whom it is for."""
CALM_SECONDS = (0.5, 3.0)
"""Between two faults of a kind of hand; the other hand does not wait for it."""

log = logging.getLogger(__name__)

Fault = Callable[[random.Random], bool]
"""Happens, is over, and says whether it has had its effect."""


class FaultTargets(NamedTuple):
    """What faults happen to."""

    pipeline: Pipeline
    kafka: Server
    cassandra: Server
    to_kafka: Proxy
    to_cassandra: Proxy
    workers: WorkerProcesses


class FaultThread(BackgroundThread):
    """Deals faults of some kinds until it is told to stop.

    It deals all of them once at least, and goes on with those that have not happened.
    """

    join_seconds = 240.0
    """For faults that are under way."""

    def __init__(self, name: str, faults: Mapping[str, Fault], seed: int) -> None:
        super().__init__()
        self.happened: Counter[str] = Counter()
        self.dealt: Counter[str] = Counter()
        self._faults = faults
        self._chance = random.Random(f"{seed} {name}")
        self._ending = threading.Event()
        self._began = time.monotonic()

    def end(self, seconds: float) -> None:
        """No more faults than are needed for each to have happened; waits so long for those."""
        self._ending.set()
        self.join(seconds)

    @property
    def missing(self) -> set[str]:
        """The kinds that have not happened."""
        return set(self._faults) - set(self.happened)

    def work(self) -> None:
        for kind in self._kinds():
            self._deal(kind)
            if self.leaving.wait(self._chance.uniform(*CALM_SECONDS)):
                return

    def _kinds(self) -> Iterator[str]:
        while True:
            deck = list(self._faults)
            self._chance.shuffle(deck)
            for kind in deck:
                if self._ending.is_set() and not self.missing:
                    return
                if not self._ending.is_set() or kind in self.missing:
                    yield kind

    def _deal(self, kind: str) -> None:
        self.dealt[kind] += 1
        begun = time.monotonic()
        happened = self._faults[kind](self._chance)
        if happened:
            self.happened[kind] += 1
        log.warning(
            "%.1f s: %s, %.1f s%s", begun - self._began, kind, time.monotonic() - begun,
            "" if happened else ", without effect",
        )  # fmt: skip


def process_faults(town: FaultTargets, doomed: Sequence[str]) -> dict[str, Fault]:
    """What happens to workers (these are killed, all are paused) and to the servers."""
    workers = town.workers
    return {
        "worker killed": lambda chance: workers.kill(chance.choice(doomed)),
        "worker paused": lambda chance: workers.freeze(
            chance.choice(workers.names), _after(chance.uniform(1, 4))
        ),
        "worker paused past its session": lambda chance: _forgotten(town, chance),
        "Kafka killed": lambda chance: _restarted(town.kafka, town.to_kafka, chance, "kill"),
        "Kafka stopped": lambda chance: _restarted(town.kafka, town.to_kafka, chance, "stop"),
        "Kafka frozen": lambda chance: _frozen(town.kafka, chance),
        "Cassandra killed": lambda chance: _restarted(
            town.cassandra, town.to_cassandra, chance, "kill"
        ),
        "Cassandra stopped": lambda chance: _restarted(
            town.cassandra, town.to_cassandra, chance, "stop"
        ),
        "Cassandra frozen": lambda chance: _frozen(town.cassandra, chance),
        "Cassandra's disk full": lambda chance: _disk_full(town.cassandra),
    }


def network_faults(town: FaultTargets) -> dict[str, Fault]:
    """What happens between the workers and both servers."""
    return {
        f"{kind} to {name}": fault
        for name, proxy in (("Kafka", town.to_kafka), ("Cassandra", town.to_cassandra))
        for kind, fault in _network_faults(proxy).items()
    }


def _network_faults(proxy: Proxy) -> dict[str, Fault]:
    weather = proxy.weather

    def slow(chance: random.Random) -> AbstractContextManager[None]:
        return proxy.slow(requests=chance.uniform(0.01, 0.3), answers=chance.uniform(0.01, 0.3))

    def breaking(chance: random.Random) -> AbstractContextManager[None]:
        return proxy.breaking_after(lambda: chance.randint(500, 50_000))

    def once(end: Callable[[], None]) -> Fault:
        def fault(_: random.Random) -> bool:
            before = weather.broken
            end()
            return weather.broken > before

        return fault

    return {
        "latency": _while(slow, weather, "delayed", (3, 8)),
        "cut": once(proxy.cut),
        "reset": once(proxy.reset),
        "half-open connections": _while(lambda _: proxy.silent(), weather, "halted", (2, 12)),
        "lost answers": _while(lambda _: proxy.swallowing(), weather, "lost", (2, 6)),
        "connections broken within a request": _while(breaking, weather, "broken", (3, 6)),
        "nobody reached": _while(lambda _: proxy.gone(), weather, "refused", (1, 8)),
    }


def _while(
    bad: Callable[[random.Random], AbstractContextManager[None]],
    weather: Weather,
    effect: str,
    seconds: tuple[float, float],
) -> Fault:
    """Bad weather for so long at least, and until it has had its effect."""

    def fault(chance: random.Random) -> bool:
        before = getattr(weather, effect)
        over = _after(chance.uniform(*seconds))
        with bad(chance):
            return _until(lambda: over() and getattr(weather, effect) > before)

    return fault


def _restarted(server: Server, proxy: Proxy, chance: random.Random, how: str) -> bool:
    """It is gone until some worker has found that out, and a while longer."""
    before = proxy.weather.refused
    getattr(server, how)()
    try:
        noticed = server.pid is None and _until(lambda: proxy.weather.refused > before)
        time.sleep(chance.uniform(0, 5))  # the fault itself
    finally:
        server.start()
    return noticed


def _frozen(server: Server, chance: random.Random) -> bool:
    """For some seconds, mostly longer than a request may take."""
    over = _after(chance.uniform(3, 9))
    server.pause()
    try:
        answered = server.answers(1)
        return _until(over) and not answered
    finally:
        server.resume()


def _disk_full(cassandra: Server) -> bool:
    """Not a byte more for its commit log: it dies of its next write, and starts when there is."""
    try:
        with full(cassandra.folder / "data" / "commitlog"):
            return _until(lambda: cassandra.pid is None)
    finally:
        cassandra.start()


def _forgotten(town: FaultTargets, chance: random.Random) -> bool:
    """Paused until some group has given its partitions to others."""
    name = chance.choice(town.workers.names)
    role = chance.choice(ROLES)
    if not _until(lambda: name in _members(town.pipeline, role)):
        return False
    return town.workers.freeze(
        name, lambda: bool(members := _members(town.pipeline, role)) and name not in members
    )


def _members(pipeline: Pipeline, role: str) -> dict[str, int]:
    try:
        return pipeline.members(role)
    except KafkaException:  # it may be the network's turn as well
        return {}


def _after(seconds: float) -> Callable[[], bool]:
    deadline = time.monotonic() + seconds
    return lambda: time.monotonic() >= deadline


def _until(holds: Callable[[], bool]) -> bool:
    return wait_until(holds, NOTICE_SECONDS)
