"""Ten minutes of everything that can break, and at the end what is shown is F(log).

`make proof ARGS="tests/e2e/test_nemesis.py --nemesis-seed 7 --nemesis-seconds 60"` is a short one:
so long, and until each kind of fault has happened.
"""

import logging
import random
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from schemas.ids import DAY_MS
from servers import cassandra as cassandra_server
from servers import kafka as kafka_server
from servers.cassandra import CassandraConfig
from servers.kafka import KafkaConfig
from servers.ports import first_free_port
from tests.e2e.comparison import compare_all
from tests.e2e.disk import small_disk
from tests.e2e.generated_load import Producers
from tests.e2e.nemesis import FaultTargets, FaultThread, network_faults, process_faults
from tests.e2e.outage import HASTE, PATIENCE, dead_letter_topics
from tests.e2e.pipeline import Pipeline, Record
from tests.e2e.village import model_of
from tests.e2e.worker_processes import WorkerProcesses
from tests.faults.proxy import Proxy

log = logging.getLogger(__name__)

SESSION_SECONDS = 7.0
CLOCKS_MS = {"behind": -300_000, "ahead": 300_000}
"""By how much the workers' clocks are wrong. The one ahead is never killed: what grows, shows."""
DOOMED = ("behind",)
DISK_MEBIBYTES = 192
RETENTION_DAYS = 30
START_SECONDS = 240.0
REST_SECONDS = 600.0
"""For the kinds of faults that have not happened when the time is over."""
RECOVER_SECONDS = 120.0
"""From the end of the last fault to no lag anywhere."""
RSS_BYTES = 240 << 20
OPEN_FILES = 100

pytestmark = [pytest.mark.e2e, pytest.mark.proof, pytest.mark.timeout(2_400)]


@pytest.fixture
def town(tmp_path: Path) -> Iterator[FaultTargets]:
    """Servers of its own, for Kafka has to know of the proxy, and Cassandra has a small disk."""
    with ExitStack() as stack:
        port = first_free_port(kafka_server.PORTS_WITH_PROXY)
        to_kafka = stack.enter_context(Proxy(port + 2))
        folders = tmp_path / "kafka", tmp_path / "cassandra"
        stack.enter_context(small_disk(folders[1] / "data" / "commitlog", DISK_MEBIBYTES))
        kafka = kafka_server.kafka_server(
            KafkaConfig(
                folder=folders[0], port=port, heap="512m", ephemeral=True, proxy=to_kafka.port
            )
        )
        cassandra = cassandra_server.cassandra_server(
            CassandraConfig(
                folder=folders[1], port=first_free_port(cassandra_server.PORTS), heap="1g",
                ephemeral=True, commitlog_sync="batch",
            )
        )  # fmt: skip
        for server in (kafka, cassandra):
            stack.callback(server.kill)
            server.start()
        to_cassandra = stack.enter_context(Proxy(cassandra.port))
        pipeline = Pipeline(kafka.address, cassandra.port, tmp_path, retention_days=RETENTION_DAYS)
        stack.callback(pipeline.stop)
        pipeline.prepare()
        yield FaultTargets(
            pipeline,
            kafka,
            cassandra,
            to_kafka,
            to_cassandra,
            faulty_workers(pipeline, to_kafka, to_cassandra),
        )


def faulty_workers(pipeline: Pipeline, to_kafka: Proxy, to_cassandra: Proxy) -> WorkerProcesses:
    """Workers that reach both servers by the proxies only, and whose clocks are wrong."""
    settings = {
        "kafka_bootstrap": f"127.0.0.1:{to_kafka.port}",
        "cassandra_port": to_cassandra.port,
        "store_timeout_seconds": HASTE,
    }
    plans = {
        name: {
            "settings": settings, "clock_ms": clock_ms,
            "session_seconds": SESSION_SECONDS, "heartbeat_seconds": 2.0,
        }
        for name, clock_ms in CLOCKS_MS.items()
    }  # fmt: skip
    return WorkerProcesses(pipeline, plans)


def test_everything_that_can_break(
    town: FaultTargets, pytestconfig: pytest.Config, record: Record
) -> None:
    """0 missing, 0 extra, no dead letters; no lag soon; memory and open files stay bounded."""
    seconds = pytestconfig.getoption("nemesis_seconds")
    seed = pytestconfig.getoption("nemesis_seed") or random.SystemRandom().randrange(10**6)
    log.warning("--nemesis-seed %d --nemesis-seconds %g", seed, seconds)
    pipeline, workers = town.pipeline, town.workers
    with workers:
        pipeline.until(lambda: pipeline.are_members(CLOCKS_MS), time.monotonic() + START_SECONDS)
        with Producers(pipeline, seed) as producers:
            faults = process_faults(town, DOOMED), network_faults(town)
            with (
                FaultThread("processes", faults[0], seed) as sword,
                FaultThread("network", faults[1], seed) as wire,
            ):
                time.sleep(seconds)  # the faults themselves
                for hand in (sword, wire):
                    hand.end(REST_SECONDS)
            calm = time.monotonic()
        pipeline.until(lambda: pipeline.are_members(CLOCKS_MS), calm + RECOVER_SECONDS)
    pipeline.drain(RECOVER_SECONDS - (time.monotonic() - calm))
    recovered = time.monotonic() - calm
    for hand in (sword, wire):
        assert not hand.missing
    assert min(producers.twice, producers.late) > 0
    for name, clock_ms in CLOCKS_MS.items():
        wrong = [each["wrong_by_ms"] for each in workers.journals[name].read("began")]
        assert wrong == pytest.approx([clock_ms] * len(wrong), abs=100)
    assert sum(pipeline.ends(dead_letter_topics()).values()) == 0
    patient = pipeline.settings.model_copy(update={"store_timeout_seconds": PATIENCE})
    now = time.time_ns() // 1_000_000
    entries = compare_all(patient, model_of(producers.log, now, RETENTION_DAYS * DAY_MS))
    assert entries > 0
    record(
        f"nemesis, seed {seed}", events=len(producers.log), entries=entries,
        seconds_to_recover=round(recovered, 1), rss_max_bytes=workers.rss,
        open_files=workers.files, twice=producers.twice, held_back=producers.late,
        faults=(sword.happened + wire.happened).total(),
        kinds_of_faults=len(sword.happened + wire.happened),
        workers_that_ended_by_themselves=workers.ended.total(),
    )  # fmt: skip
    assert workers.rss < RSS_BYTES
    assert workers.files < OPEN_FILES
