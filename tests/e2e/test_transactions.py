"""Transactions of producers: what they abort is shown nowhere, and control records are no lag."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import uuid4

import pytest
from confluent_kafka import Producer

from schemas.codec import Message, encode
from schemas.events import PostCreated
from schemas.ids import post_id
from streams.kafka.group_offsets import GroupOffsets
from streams.records import Partition
from tests.e2e.comparison import compare_all
from tests.e2e.pipeline import Pipeline, places
from tests.e2e.replays import DERIVED, Replays, lose
from tests.e2e.village import START, Village, model_of

SEED = 18
FAMILY = Village(people=10, follows=40, posts=60)
DRAIN_SECONDS = 120.0
ANSWER_SECONDS = 30.0
TRANSACTION_MS = 600_000
"""Longer than all that happens while one is open."""
ABORTED = [
    PostCreated(version=START * 1_000, post_id=post_id(START, 4_000 + n), author_id=n % 10 + 1)
    for n in range(20)
]
HELD = PostCreated(version=START * 1_000, post_id=post_id(START, 4_090), author_id=1, text="held")

pytestmark = pytest.mark.e2e


@pytest.fixture
def producer(pipeline: Pipeline) -> Iterator[Producer]:
    """Each transaction ends in a control record on every partition that it wrote to."""
    producer = Producer(
        {
            "bootstrap.servers": pipeline.settings.kafka_bootstrap,
            "transactional.id": f"shop-{uuid4().hex}",
            "transaction.timeout.ms": TRANSACTION_MS,
        }
    )
    producer.init_transactions(ANSWER_SECONDS)
    yield producer
    producer.flush(ANSWER_SECONDS)


@contextmanager
def transaction(producer: Producer, messages: Sequence[Message]) -> Iterator[None]:
    """All of them are in the log, and none is committed yet."""
    producer.begin_transaction()
    for each in messages:
        topic, key, value = encode(each)
        producer.produce(topic, value, key)
    assert producer.flush(ANSWER_SECONDS) == 0
    yield


def commit(producer: Producer, messages: Sequence[Message]) -> None:
    with transaction(producer, messages):
        producer.commit_transaction(ANSWER_SECONDS)


def abort(producer: Producer, messages: Sequence[Message]) -> None:
    with transaction(producer, messages):
        producer.abort_transaction(ANSWER_SECONDS)


def test_live_and_replay_read_what_is_committed_and_reach_the_end(
    pipeline: Pipeline, producer: Producer
) -> None:
    """Also behind a transaction that is still open: its posts are not there yet, for anybody."""
    replays = Replays(pipeline)
    log = FAMILY.seeded(SEED)
    half = len(log) // 2
    pipeline.start_worker("live")
    commit(producer, log[:half])
    abort(producer, ABORTED[:10])
    commit(producer, log[half:])
    abort(producer, ABORTED[10:])
    pipeline.drain(DRAIN_SECONDS)  # the topics end in control records, and so do the offsets
    entries = compare_all(pipeline.settings, model_of(log))

    with transaction(producer, [HELD]):
        assert sum(pipeline.ends(["posts"]).values()) == readable_posts(pipeline) + 1
        lose(pipeline.settings, *DERIVED)
        path, plan = replays.plan()
        assert plan["events"] == plan["chosen"] == len(log)
        assert replays.run(path, "--live-lag", "1")["over"]
        assert json.loads(pipeline.mingle("replay", "status", path, "--json"))["ratio"] == 1
        assert compare_all(pipeline.settings, model_of(log)) == entries
        assert "0 missing, 0 extra" in pipeline.mingle("verify", "--users", "10")
        producer.commit_transaction(ANSWER_SECONDS)
    pipeline.drain(DRAIN_SECONDS)
    assert compare_all(pipeline.settings, model_of([*log, HELD])) > entries


def readable_posts(pipeline: Pipeline) -> int:
    """The ends of all partitions of posts, as `skip` knows them: above them nothing is read."""
    offsets = GroupOffsets(pipeline.settings.brokers, "mingle-ingest")
    return sum(offsets.end(Partition(*place)) for place in places(["posts"]))
