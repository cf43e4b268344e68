"""The group rebalances over and over while one fan-out goes on."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import uvloop
from confluent_kafka import Consumer

from schemas.events import FollowCreated, PostCreated
from schemas.ids import DEFAULT_EPOCH, PostId, UserId, post_id, post_time
from services.buckets import BUCKET_MS
from services.graph.edge import edge_mutation
from services.relations.mutation import relation_mutation
from services.settings.settings import Settings
from services.storage.statements import select
from services.timelines.cassandra import SHARDS
from streams.bootstrap import connect_store, create_metrics
from tests.e2e.comparison import connected
from tests.e2e.faults import Journal
from tests.e2e.offset_sampler import OffsetSampler
from tests.e2e.pipeline import READ, Pipeline, Record
from tests.e2e.village import START

AUTHOR = UserId(1)
POST = post_id(START, 1)
WORKERS = ("a", "b")
EDGES_AT_ONCE = 5_000
MOST_REPEATED = 1.5
DRAIN_SECONDS = 300.0
REBALANCE_SECONDS = 60.0

_ENTRIES = select("home_timeline", "proof", "user_id, post_id", "WHERE bucket = ? AND shard IN ?")

pytestmark = pytest.mark.e2e


def test_rebalances_within_a_fan_out(pipeline: Pipeline, record: Record) -> None:
    """Six of them: nothing missing, nothing extra, few pages twice."""
    figures = storm(pipeline, followers=16_000, rebalances=6, followers_a_page=500)
    record("6 rebalances in a fan-out", **figures)


@pytest.mark.proof
@pytest.mark.timeout(900)
def test_a_storm_of_rebalances(pipeline: Pipeline, record: Record) -> None:
    """Twenty of them while 200,000 followers are served: at most 1.5 times the pages."""
    figures = storm(pipeline, followers=200_000, rebalances=20, followers_a_page=4_000)
    record("20 rebalances in a fan-out", **figures)


def storm(
    pipeline: Pipeline,
    *,
    followers: int,
    rebalances: int,
    followers_a_page: int,
    pages_at_once: int | None = 1,
) -> dict[str, Any]:
    """One post of a large author, its fan-out slowed until the last rebalance is over."""
    readers = list(range(2, followers + 2))
    uvloop.run(follow(pipeline.settings, readers))
    over = pipeline.folder / "over"
    journals = [
        pipeline.start_faulty_worker(
            name, {"deliver_at_once": 0},
            followers_a_page=followers_a_page, pages_at_once=pages_at_once,
            slow_until=str(over), entries_a_second=followers_a_page, heartbeat_seconds=0.3,
        )
        for name in WORKERS
    ]  # fmt: skip
    pipeline.until(lambda: pipeline.are_members(WORKERS))
    post = PostCreated(version=START * 1_000, post_id=POST, author_id=AUTHOR, text="hello")
    with OffsetSampler(pipeline, {AUTHOR: readers}) as sampler:
        pipeline.publish([post])
        pipeline.until(lambda: handled(journals) > 0)
        before = assignments(journals[0])
        started = time.monotonic()
        for _ in range(rebalances // 2):  # one when somebody joins, one when he leaves
            with member(pipeline, journals[0]):
                await_a_page(pipeline, journals)
            await_a_page(pipeline, journals)
        seconds = time.monotonic() - started
        seen = assignments(journals[0]) - before
        assert seen >= rebalances
        left = pipeline.lag("fanout", READ["fanout"])
        assert left, "the fan-out was over before the last rebalance"
        over.touch()
        pipeline.drain(DRAIN_SECONDS)
    needed = sum(pipeline.ends(["fanout-pages"]).values())
    assert not sampler.objections, sampler.objections
    homes = [AUTHOR, *readers]
    assert uvloop.run(entries(pipeline.settings)) == [(user, POST) for user in homes]
    assert handled(journals) <= MOST_REPEATED * needed
    return {
        "followers": followers, "pages_needed": needed, "pages_handled": handled(journals),
        "rebalances": seen, "pages_left_after_them": left,
        "seconds_of_rebalances": round(seconds, 1), **sampler.figures(),
    }  # fmt: skip


@contextmanager
def member(pipeline: Pipeline, journal: Journal) -> Iterator[None]:
    """Somebody joins the group of the fan-out, has partitions, does nothing and leaves.

    The workers have had their shares anew each time.
    """
    before = assignments(journal)
    consumer: Any = Consumer(
        {
            "bootstrap.servers": pipeline.settings.kafka_bootstrap,
            "group.id": "mingle-fanout",
            "partition.assignment.strategy": "roundrobin",
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe(READ["fanout"])
    deadline = time.monotonic() + REBALANCE_SECONDS
    while not consumer.assignment() or assignments(journal) == before:
        assert time.monotonic() < deadline, "the group did not rebalance"
        consumer.consume(1, 0.1)
    yield
    before = assignments(journal)
    consumer.close()
    pipeline.until(lambda: assignments(journal) > before)


def await_a_page(pipeline: Pipeline, journals: list[Journal]) -> None:
    """So that the next rebalance finds work in flight."""
    before = handled(journals)
    pipeline.until(lambda: handled(journals) > before)


def assignments(journal: Journal) -> int:
    return sum(each["group"] == "mingle-fanout" for each in journal.read("assigned"))


def handled(journals: list[Journal]) -> int:
    """Pages that were begun, those of a batch that was abandoned too."""
    return sum(each["pages"] for journal in journals for each in journal.read("pages"))


async def follow(settings: Settings, readers: list[int]) -> None:
    edges = [FollowCreated(version=1, follower_id=each, followee_id=AUTHOR) for each in readers]
    async with connected(settings) as deps:
        for start in range(0, len(readers), EDGES_AT_ONCE):
            some = edges[start : start + EDGES_AT_ONCE]
            await deps.stores.graph.record([edge_mutation(each) for each in some])
            await deps.stores.relations.record([relation_mutation(each) for each in some])


async def entries(settings: Settings) -> list[tuple[int, PostId]]:
    """Every entry of the bucket, by user."""
    store = await connect_store(settings, create_metrics())
    bucket = post_time(POST, DEFAULT_EPOCH) // BUCKET_MS
    try:
        columns = [await store.read_arrays(_ENTRIES, bucket, [shard]) for shard in range(SHARDS)]
    finally:
        await store.close()
    users, posts = (np.concatenate([c[name] for c in columns]) for name in ("user_id", "post_id"))
    return sorted(zip(users.tolist(), posts.tolist(), strict=True))
