"""A batch that Kafka's disk has damaged stops its partition alone, and an operator passes it by."""

import asyncio

import pytest

from schemas.codec import encode
from schemas.events import FollowCreated
from servers.server import Server
from tests.e2e.comparison import compare_all
from tests.e2e.groups import empty_groups
from tests.e2e.pipeline import Pipeline
from tests.e2e.village import START, Village, model_of
from tests.streams.raw_batches import batch, flipped, send

SEED = 18
FAMILY = Village(people=10, follows=0, posts=20)
DRAIN_SECONDS = 120.0
PLACE = ("follows", 0)

pytestmark = pytest.mark.e2e


def follow(follower: int) -> FollowCreated:
    return FollowCreated(version=START * 1_000, follower_id=follower, followee_id=follower + 1)


def damage(kafka: Server, batches: list[bytearray]) -> None:
    """Alter a byte of the second batch in the file that holds the partition."""
    (file,) = kafka.folder.rglob("follows-0/00000000000000000000.log")
    content = bytearray(file.read_bytes())
    assert len(content) == sum(map(len, batches))
    file.write_bytes(flipped(content, len(batches[0]) + 40))


def test_what_the_disk_damaged_is_passed_by(pipeline: Pipeline, breakable_kafka: Server) -> None:
    """Its partition stands still until then; other partitions and topics go on."""
    follows = [follow(n) for n in (1, 2, 3)]
    batches = []
    for each in follows:
        _, key, value = encode(each)
        batches.append(batch([value], keys=[key], timestamp=START))
    asyncio.run(send(pipeline.settings.kafka_bootstrap, "follows", *batches))
    damage(breakable_kafka, batches)

    one = pipeline.start_site("one")
    posts = FAMILY.seeded(SEED)
    pipeline.publish(posts)
    problem = "mingle-ingest cannot read follows:0 at offset 1 (wrong checksum)"
    pipeline.until(lambda: one.has_problem(problem))
    place = {"group": "mingle-ingest", "topic": "follows", "partition": "0"}
    pipeline.until(lambda: one.total("timeline_partitions_unreadable", **place) == 1)
    pipeline.until(lambda: pipeline.lag("ingest", ["posts", "replies"]) == 0)
    pipeline.until(lambda: pipeline.lag("fanout", ["fanout-pages", "backfills"]) == 0)
    compare_all(pipeline.settings, model_of([follows[0], *posts]))
    assert pipeline.offsets("ingest")[PLACE] == 1

    skip = ("dead-letters", "skip", "follows:0", "--to", "2", "--apply")
    assert "stop all workers of role ingest" in pipeline.failing(*skip)
    pipeline.stop_worker("one")
    empty_groups(pipeline.settings.kafka_bootstrap)
    assert "1 offsets are skipped" in pipeline.mingle(*skip)
    pipeline.start_worker("two")
    pipeline.drain(DRAIN_SECONDS)
    compare_all(pipeline.settings, model_of([follows[0], follows[2], *posts]))
