"""Partitions that are added after a rolling update find an owner."""

import time

import msgspec
import pytest

from schemas import topics
from servers.ports import first_free_port
from tests.e2e.comparison import compare_all
from tests.e2e.pipeline import Pipeline, Record
from tests.e2e.site import Site
from tests.e2e.village import HAMLET, model_of

SEED = 21
WORKERS = ("a", "b")
METADATA_SECONDS = 5.0
WAIT_SECONDS = 90.0
GROWING = ("posts", "replies", "follows")
ADDED = 8

pytestmark = pytest.mark.e2e


def test_partitions_that_are_added_after_a_rolling_update_are_read(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, record: Record
) -> None:
    """No leader watches for them: each worker came back within its session and was told of none.

    All see that the partitions have no owner, and one asks the group to assign them.
    """
    sites = {name: Site(first_free_port(1)) for name in WORKERS}
    for name, site in sites.items():
        start(pipeline, name, site)
    pipeline.until(lambda: pipeline.are_members(WORKERS))
    for name, site in sites.items():
        pipeline.stop_worker(name)
        start(pipeline, name, site)
        pipeline.until(site.is_ready)

    ends = pipeline.ends(GROWING)
    began = time.monotonic()
    grown = add_partitions(pipeline)
    pipeline.until(lambda: all(site.unowned() for site in sites.values()), began + WAIT_SECONDS)
    log = HAMLET.seeded(SEED)
    pipeline.publish(log)
    monkeypatch.setattr("tests.e2e.pipeline.topics.load_topics", lambda: grown)
    pipeline.drain(WAIT_SECONDS)
    record("added partitions are read", seconds=round(time.monotonic() - began, 1))
    new = {at: end for at, end in pipeline.ends(GROWING).items() if at not in ends}
    assert any(new.values()), "no message is in a new partition"
    pipeline.until(lambda: not any(site.unowned() for site in sites.values()))
    assert compare_all(pipeline.settings, model_of(log)) > 0


def start(pipeline: Pipeline, name: str, site: Site) -> None:
    own = {"metrics_port": site.port}
    pipeline.start_faulty_worker(name, own, metadata_seconds=METADATA_SECONDS)


def add_partitions(pipeline: Pipeline) -> dict[str, topics.Topic]:
    """All topics, as they are then."""
    declared = topics.load_topics()
    grown = {
        name: msgspec.structs.replace(declared[name], partitions=declared[name].partitions + ADDED)
        for name in GROWING
    }
    pipeline.add_partitions(grown)
    return {**declared, **grown}
