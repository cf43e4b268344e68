"""From one worker to four and back, and one restarted, while messages arrive."""

import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
from confluent_kafka import KafkaException

from schemas import topics
from schemas.codec import Message, encode
from servers.server import Reachable
from services.settings.brokers import Brokers
from streams.app import SESSION_SECONDS
from streams.kafka.publisher import Publisher
from streams.outbox import Outgoing
from tests.e2e.background import BackgroundThread
from tests.e2e.comparison import compare_all
from tests.e2e.pipeline import DELIVERY, FIRST, Pipeline, Place, Record
from tests.e2e.village import HAMLET, Village, model_of

SEED = 11
LOAD = Village(people=200, follows=3_000, posts=20_000)
MESSAGES_A_SECOND = 30.0
STEP_SECONDS = 120.0
DRAIN_SECONDS = 300.0
LOOK_SECONDS = 0.5
SETTLED_SECONDS = 5.0
"""How long no message may wait for longer than that before a step is over."""
MOST_WAITING = 60.0
"""A session's half minute, and what two groups on a busy machine need to hand partitions out."""

pytestmark = [pytest.mark.e2e, pytest.mark.proof, pytest.mark.timeout(1_500)]


class Waiting(BackgroundThread):
    """How long the message that waits longest has waited, as the brokers see it.

    A message waits from the look that finds it at the end of its partition until the look that
    finds it committed; workers commit once a second.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        super().__init__()
        self._pipeline = pipeline
        self._seen: dict[tuple[str, Place], list[tuple[int, float]]] = {}
        self.now = 0.0
        self.longest = 0.0

    def look(self) -> None:
        at = time.monotonic()
        ends = {role: self._pipeline.ends(read) for role, read in FIRST.items()}
        oldest = at
        for role, places in ends.items():
            done = self._pipeline.offsets(role)
            for place, end in places.items():
                seen = self._seen.setdefault((role, place), [])
                if end > (seen[-1][0] if seen else done.get(place, 0)):
                    seen.append((end, at))
                while seen and seen[0][0] <= done.get(place, 0):
                    seen.pop(0)
                oldest = min(oldest, seen[0][1] if seen else at)
        self.now = time.monotonic() - oldest
        self.longest = max(self.longest, self.now)

    def work(self) -> None:
        while not self.leaving.wait(LOOK_SECONDS):
            with suppress(KafkaException):  # a coordinator that is busy with the rebalance
                self.look()
        self._pipeline.stop()


class SteadyLoad(BackgroundThread):
    """Publishes at a steady rate, whatever becomes of it, until it is told to stop."""

    def __init__(self, brokers: Brokers, log: Sequence[Message]) -> None:
        super().__init__()
        self._brokers = brokers
        self._log = log
        self.sent = 0

    def work(self) -> None:
        started = time.monotonic()
        with Publisher(self._brokers) as publisher:
            for message in self._log:
                due = started + self.sent / MESSAGES_A_SECOND
                if self.leaving.wait(max(0.0, due - time.monotonic())):
                    return
                publisher.send(Outgoing(*encode(message)))
                self.sent += 1


class ScaledWorkers:
    """The workers that there are, and how long messages waited at each step that changed them."""

    def __init__(self, pipeline: Pipeline, waiting: Waiting, names: list[str]) -> None:
        self._pipeline = pipeline
        self._waiting = waiting
        self._names = names
        self.longest: dict[str, float] = {}

    def add(self, name: str) -> None:
        self._names.append(name)
        self._start(name)
        self.step(f"{len(self._names) - 1} to {len(self._names)}")

    def end(self, name: str) -> None:
        self._names.remove(name)
        self._pipeline.stop_worker(name, STEP_SECONDS)
        self.step(f"{len(self._names) + 1} to {len(self._names)}")

    def restart(self, name: str) -> None:
        self._pipeline.stop_worker(name, STEP_SECONDS)
        self._start(name)
        self.step("one restarted")

    def step(self, told: str) -> None:
        """Waits until the change has settled and no message waits for long."""
        deadline = time.monotonic() + STEP_SECONDS
        self._pipeline.until(lambda: self._pipeline.are_members(self._names, FIRST), deadline)
        steady = time.monotonic()
        while time.monotonic() < steady + SETTLED_SECONDS:
            assert time.monotonic() < deadline, "messages wait on"
            if self._waiting.now > SETTLED_SECONDS:
                steady = time.monotonic()
            time.sleep(LOOK_SECONDS)
        self.longest[told], self._waiting.longest = self._waiting.longest, 0.0

    def _start(self, name: str) -> None:
        self._pipeline.start_worker(name, *DELIVERY)


def test_one_to_four_workers_and_back(
    kafka: Reachable, cassandra: Reachable, pipeline: Pipeline, tmp_path: Path, record: Record
) -> None:
    """Nothing is lost or extra; how long messages waited at each step is told at the end."""
    log = LOAD.seeded(SEED)
    pipeline.start_worker("a", *DELIVERY)
    pipeline.until(lambda: pipeline.are_members("a", FIRST))
    waiting = Waiting(Pipeline(kafka.address, cassandra.port, tmp_path))
    with SteadyLoad(pipeline.settings.brokers, log) as load, waiting:
        crew = ScaledWorkers(pipeline, waiting, ["a"])
        crew.step("steady with 1")
        for name in "bcd":
            crew.add(name)
        crew.step("steady with 4")
        rss_max = pipeline.rss_max()
        crew.restart("b")
        for name in "dcb":
            crew.end(name)
    published = log[: load.sent]
    assert load.sent < len(log), "the load was over before the last step"
    pipeline.drain(DRAIN_SECONDS, FIRST)
    for told, seconds in crew.longest.items():
        record(told, longest_wait_seconds=round(seconds, 1))
    delivered = compare_all(pipeline.settings, model_of(published))
    assert delivered > 0
    record("1 to 4 workers and back", messages=len(published), deliveries=delivered)
    record("their memory", rss_max_bytes=rss_max)
    assert max(crew.longest.values()) < MOST_WAITING


def test_partitions_are_added_later(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, record: Record
) -> None:
    """Keys move to other partitions while messages wait in the old ones: nothing is lost."""
    log = HAMLET.seeded(SEED)
    half = len(log) // 2
    for name in ("a", "b"):
        pipeline.start_worker(name, *DELIVERY)
    pipeline.until(lambda: pipeline.are_members("ab", FIRST))
    pipeline.publish(log[:half])
    more = {
        name: msgspec.structs.replace(topic, partitions=2 * topic.partitions)
        for name, topic in topics.load_topics().items()
    }
    pipeline.add_partitions(more)
    monkeypatch.setattr("tests.e2e.pipeline.topics.load_topics", lambda: more)
    started = time.monotonic()
    pipeline.publish(log[half:])
    pipeline.drain(DRAIN_SECONDS, FIRST)
    seconds = round(time.monotonic() - started, 1)
    record("partitions doubled", seconds_until_all_is_handled=seconds)
    beyond = [end for (name, at), end in pipeline.ends(["posts"]).items() if at >= 64]
    assert any(beyond), "no message went to a new partition"
    assert compare_all(pipeline.settings, model_of(log)) > 0


def test_a_restart_under_its_name_is_no_rebalance(pipeline: Pipeline, record: Record) -> None:
    """What a rolling update does to each pod: the others keep what they have, and go on."""
    stays, comes_back = (pipeline.start_site(name, *DELIVERY) for name in "ab")
    pipeline.until(lambda: pipeline.are_members("ab", FIRST))
    before = stays.total("timeline_rebalances_total")
    started = time.monotonic()
    pipeline.stop_worker("b", STEP_SECONDS)
    pipeline.start_worker("b", *DELIVERY, metrics_port=comes_back.port)
    pipeline.until(comes_back.is_ready)
    seconds = time.monotonic() - started
    record("restart", seconds_until_ready=round(seconds, 1))
    assert pipeline.are_members("ab", FIRST)
    # One that takes longer than its session is put out of its groups, and taken in again.
    most = 0 if seconds < SESSION_SECONDS else 2 * len(FIRST)
    assert stays.total("timeline_rebalances_total") - before <= most
