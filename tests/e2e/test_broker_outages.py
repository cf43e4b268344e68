"""The brokers are killed, stopped, frozen, or not there when a worker starts or ends."""

import time

import pytest

from servers.server import Server
from tests.e2e.outage import Load
from tests.e2e.pipeline import Pipeline, Record
from tests.e2e.village import Village

SEED = 4
HAMLET = Village(people=40, follows=300, posts=400)
VILLAGE = Village(people=100, follows=1_200, posts=2_000)
AWAY_SECONDS = 35.0
"""Longer than a session, a request and a send may take."""
UNASSIGNED = "has no partitions assigned yet"

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


def test_a_worker_ends_while_the_brokers_are_frozen(
    pipeline: Pipeline, breakable_kafka: Server, record: Record
) -> None:
    """Within ten seconds and with 0: what it could not commit is handled again by the next."""
    with Load(pipeline, HAMLET.seeded(SEED), lots=3) as load:
        load.worker("a")
        load.begin()
        breakable_kafka.pause()
        load.stop_worker("a")
        assert "not committed" in log_of(pipeline, "a")  # no broker takes it
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
    with Load(pipeline, VILLAGE.seeded(SEED)) as load:
        site = load.worker("a")
        load.worker("b")
        load.begin()
        getattr(breakable_kafka, end)()
        # Nobody listens; the worker may have had nothing to commit.
        load.until(lambda: "Connection refused" in log_of(pipeline, "a"))
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
    with Load(pipeline, VILLAGE.seeded(SEED)) as load:
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
    with Load(pipeline, VILLAGE.seeded(SEED), lots=2) as load:
        load.publish()
        breakable_kafka.stop()
        site = load.worker("a")
        load.worker("b")
        load.until(lambda: any(UNASSIGNED in each for each in site.problems()))
        assert site.lives()
        load.stop_worker("b")
        breakable_kafka.start()
        load.recover()
        assert site.problems() == []
    record("started before Kafka", **load.figures)


def log_of(pipeline: Pipeline, name: str) -> str:
    return (pipeline.folder / f"{name}.log").read_text()
