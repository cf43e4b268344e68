"""The brokers are killed, stopped, frozen, or not there when a worker starts or ends."""

import random
import time

import pytest

from schemas.codec import Message
from servers.server import Server
from tests.e2e.outage import Load, WorkerSite
from tests.e2e.pipeline import Pipeline, Record
from tests.e2e.village import Village

SEED = 4
HAMLET = Village(people=40, follows=300, posts=400)
VILLAGE = Village(people=100, follows=1_200, posts=2_000)
AWAY_SECONDS = 35.0
"""Longer than a session, a request and a send may take."""
UNASSIGNED = "has no partitions assigned yet"

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


def log_of(village: Village) -> list[Message]:
    return village.log(random.Random(SEED))


def test_a_worker_ends_while_the_brokers_are_frozen(
    pipeline: Pipeline, breakable_kafka: Server, record: Record
) -> None:
    """Within ten seconds and with 0: what it could not commit is handled again by the next."""
    with Load(pipeline, log_of(HAMLET), lots=3) as load:
        load.worker("a")
        load.begin()
        breakable_kafka.pause()
        load.stop_worker("a")
        assert not_committed(pipeline, "a")
        breakable_kafka.resume()
        load.worker("a")
        load.recover()
    record("stopped while Kafka is frozen", **load.figures)


@pytest.mark.proof
@pytest.mark.parametrize("end", ["kill", "stop"])
def test_the_brokers_restart(
    pipeline: Pipeline, breakable_kafka: Server, record: Record, end: str
) -> None:
    """Under load, by a crash or in good order; a worker that ends meanwhile ends well."""
    with Load(pipeline, log_of(VILLAGE)) as load:
        site = load.worker("a")
        load.worker("b")
        load.begin()
        getattr(breakable_kafka, end)()
        load.until(lambda: cut_off(pipeline, "a"))
        load.stop_worker("b")
        assert site.lives()
        breakable_kafka.start()
        load.recover()
    record(f"Kafka: {end}", **load.figures)


@pytest.mark.proof
def test_the_brokers_are_away_for_long(
    pipeline: Pipeline, breakable_kafka: Server, record: Record
) -> None:
    """Longer than a session lasts: the worker lives, and joins its group anew."""
    with Load(pipeline, log_of(VILLAGE)) as load:
        site = load.worker("a")
        load.begin()
        breakable_kafka.kill()
        gone = time.monotonic()
        load.until(lambda: time.monotonic() - gone > AWAY_SECONDS, AWAY_SECONDS * 2)
        assert site.lives()
        breakable_kafka.start()
        load.recover()
        assert site.problems() == []
    record("Kafka away", away_seconds=AWAY_SECONDS, **load.figures)


@pytest.mark.proof
def test_a_worker_may_start_before_the_brokers(
    pipeline: Pipeline, breakable_kafka: Server, record: Record
) -> None:
    """It is alive, not ready, and begins by itself; another that is ended meanwhile ends well."""
    with Load(pipeline, log_of(VILLAGE), lots=2) as load:
        load.publish()
        breakable_kafka.stop()
        site = load.worker("a")
        load.worker("b")
        load.until(lambda: says(site, UNASSIGNED))
        assert site.lives()
        load.stop_worker("b")
        breakable_kafka.start()
        load.recover()
        assert site.problems() == []
    record("started before Kafka", **load.figures)


def says(site: WorkerSite, problem: str) -> bool:
    return any(problem in each for each in site.problems())


def cut_off(pipeline: Pipeline, name: str) -> bool:
    """Whether the worker has seen that nobody listens; it may have had nothing to commit."""
    return "Connection refused" in (pipeline.folder / f"{name}.log").read_text()


def not_committed(pipeline: Pipeline, name: str) -> bool:
    """Whether the worker has found that no broker takes a commit."""
    return "not committed" in (pipeline.folder / f"{name}.log").read_text()
