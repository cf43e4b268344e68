"""Partitions that are added after a rolling update find an owner."""

import random
import re
import time

import httpx
import msgspec
import pytest
from confluent_kafka.admin import AdminClient, NewPartitions

from schemas import topics
from servers.ports import first_free_port
from streams.routes import ROLES
from tests.e2e.comparison import compare_all
from tests.e2e.pipeline import Pipeline, Record
from tests.e2e.village import HAMLET, model_of

SEED = 21
WORKERS = ("a", "b")
METADATA_SECONDS = 5.0
WAIT_SECONDS = 90.0
STOP_SECONDS = 30.0
GROWING = ("posts", "replies", "follows")
ADDED = 8

pytestmark = pytest.mark.e2e


def test_partitions_that_are_added_after_a_rolling_update_are_read(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, record: Record
) -> None:
    """No leader watches for them: each worker came back within its session and was told of none.

    All see that the partitions have no owner, and one asks the group to assign them.
    """
    ports = {name: first_free_port(1) for name in WORKERS}
    for name in WORKERS:
        start(pipeline, name, ports[name])
    pipeline.until(lambda: settled(pipeline))
    for name in WORKERS:
        pipeline.workers[name].terminate()
        assert pipeline.end_of(name, STOP_SECONDS) == 0
        start(pipeline, name, ports[name])
        pipeline.until(lambda name=name: is_ready(ports[name]))

    ends = pipeline.ends(GROWING)
    began = time.monotonic()
    grown = add_partitions(pipeline)
    pipeline.until(lambda: all(map(unowned, ports.values())), began + WAIT_SECONDS)
    log = HAMLET.log(random.Random(SEED))
    pipeline.publish(log)
    monkeypatch.setattr("tests.e2e.pipeline.topics.load_topics", lambda: grown)
    pipeline.drain(WAIT_SECONDS)
    record("added partitions are read", seconds=round(time.monotonic() - began, 1))
    new = {at: end for at, end in pipeline.ends(GROWING).items() if at not in ends}
    assert any(new.values()), "no message is in a new partition"
    pipeline.until(lambda: not any(map(unowned, ports.values())))
    assert compare_all(pipeline.settings, model_of(log)) > 0


def start(pipeline: Pipeline, name: str, port: int) -> None:
    own = {"metrics_port": port}
    pipeline.start_faulty_worker(name, own, metadata_seconds=METADATA_SECONDS)


def settled(pipeline: Pipeline) -> bool:
    return all(set(pipeline.members(role)) == set(WORKERS) for role in ROLES)


def add_partitions(pipeline: Pipeline) -> dict[str, topics.Topic]:
    """All topics, as they are then."""
    declared = topics.load_topics()
    grown = {
        name: msgspec.structs.replace(declared[name], partitions=declared[name].partitions + ADDED)
        for name in GROWING
    }
    admin = AdminClient({"bootstrap.servers": pipeline.settings.kafka_bootstrap, "log_level": 0})
    wanted = [NewPartitions(name, topic.partitions) for name, topic in grown.items()]
    for future in admin.create_partitions(wanted).values():
        future.result(STOP_SECONDS)
    return {**declared, **grown}


def is_ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).is_success
    except httpx.TransportError:
        return False


def unowned(port: int) -> float:
    """Partitions without an owner, as a worker shows them."""
    metrics = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
    return sum(
        map(float, re.findall(r"^timeline_partitions_unowned\{.*\} (\S+)$", metrics, re.MULTILINE))
    )
