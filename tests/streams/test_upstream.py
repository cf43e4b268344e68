"""What is relied upon inside Faust and aiokafka, and why Faust's own commit is not.

A failure here means: upstream has changed. Read what the named code does now, change
`streams/kafka/` or leave it, and write down the new digest.
"""

import asyncio
import hashlib
import inspect
from pathlib import Path
from typing import Any

import faust
import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.client import AIOKafkaClient
from aiokafka.consumer import fetcher
from aiokafka.consumer.fetcher import READ_COMMITTED, FetchError, FetchResult
from aiokafka.consumer.fetcher import Fetcher as KafkaFetcher
from aiokafka.consumer.group_coordinator import CoordinatorGroupRebalance, GroupCoordinator
from aiokafka.consumer.subscription_state import Assignment, Subscription, SubscriptionState
from aiokafka.producer.message_accumulator import BatchBuilder, MessageAccumulator
from aiokafka.record.default_records import DefaultRecordBase
from faust.app import App as FaustApp
from faust.tables.recovery import Recovery
from faust.transport.conductor import ConductorCompiler
from faust.transport.consumer import Consumer, ConsumerThread, Fetcher, ThreadDelegateConsumer
from faust.transport.drivers.aiokafka import (
    AIOKafkaConsumerThread,
    ConsumerRebalanceListener,
    Transport,
)
from mode.threads import ServiceThread
from yarl import URL

from streams.embedded.mock_broker import MockBroker
from streams.kafka.batches import Batches, PartitionRecords
from tests.streams.conftest import PATIENCE, Log, Workers, eventually, numbers, until
from tests.streams.fakes import POSTS, Handler

REPLACED = {
    Consumer._drain_messages: "44a2500309e8",
    Consumer.commit: "a354437baaa0",
    Consumer.wait_empty: "e4662fe24f09",
    Consumer.on_partitions_revoked: "d04b7ae72c6f",
    Consumer.on_partitions_assigned: "29ce96596f05",
    Consumer.perform_seek: "0e8c130ff4b0",
    Consumer.verify_all_partitions_active: "4e0e46f5c297",
    Consumer._commit_livelock_detector.fun: "af196ff46fd4",
    AIOKafkaConsumerThread.on_start: "38b4e8bd1e10",
    AIOKafkaConsumerThread.on_thread_stop: "8dfc004e258b",
    AIOKafkaConsumerThread._fetch_records: "39a2c6c79fc1",
    AIOKafkaConsumerThread._commit: "932852ce7a23",
    AIOKafkaConsumerThread.close: "d22efc59a1df",
    ServiceThread.start: "f11841038a03",
    ServiceThread._start_thread: "a06373478446",
    ServiceThread.stop: "32d026539c36",
    ServiceThread._stopped_set: "af9b1ff77812",
    KafkaFetcher.fetched_records: "be4348896b9b",
    PartitionRecords.__bases__[0]: "94aa0da0dbec",
}
"""Overridden: what they did must still be what is done instead, or not wanted."""

CALLED = {
    Fetcher._fetcher.fun: "68f894f0b577",
    Consumer._commit_handler.fun: "4e5da5df0730",
    Consumer.on_stop: "45b1d2210ce2",
    Consumer.stop_flow: "cf7e875a2b0d",
    Consumer.resume_flow: "db59630f25b5",
    ThreadDelegateConsumer.threadsafe_partitions_revoked: "6c55d67e9eb0",
    ConsumerThread.on_partitions_revoked: "c44013f1259c",
    ConsumerRebalanceListener: "f3d04f29dfb3",
    FaustApp._create_directories: "a9f571c3b04a",
    FaustApp._stop_consumer: "55854a5de12c",
    FaustApp._on_partitions_revoked: "d5c895bbe57d",
    FaustApp._on_partitions_assigned: "de932b7927db",
    Recovery._resume_streams: "d986a6710c1a",
    ConductorCompiler.build: "837cf521368c",
    Transport.__init__: "a06006f6ae8e",
}
"""In Faust: when the overridden ones are called, and in which order."""

INSIDE = {
    AIOKafkaConsumer.start: "2f1ba7044332",
    KafkaFetcher._fetch_requests_routine: "2a8ec5932644",
    KafkaFetcher._get_actions_per_node: "1dab2cf937d1",
    KafkaFetcher._proc_fetch_request: "59bf948fff47",
    AIOKafkaConsumer.assign: "284d8843e221",
    KafkaFetcher._set_error: "d29810f3f509",
    KafkaFetcher._create_fetch_waiter: "61d840568746",
    KafkaFetcher._notify: "d3a30d94f34f",
    KafkaFetcher.seek_to: "f0ba6aba6c22",
    FetchResult: "d7db13f06de8",
    FetchError: "10966ad4c795",
    DefaultRecordBase: "9420f64617b7",
    SubscriptionState.is_assigned: "cd2783df3bd5",
    SubscriptionState.fetch_context: "ff2a654dca23",
    Subscription._assign: "bf731e02b121",
    Assignment: "ce6859542c70",
    GroupCoordinator._push_error_to_user: "743ff515bd7e",
    GroupCoordinator._on_join_prepare: "4d9524afc0ee",
    GroupCoordinator._on_join_complete: "0b0b3d204b40",
    AIOKafkaClient.send: "246b277687d7",
    AIOKafkaClient._get_conn: "68ce5d839171",
    GroupCoordinator.request_rejoin: "f70a261c91c3",
    GroupCoordinator._perform_assignment: "a5cf61fa9732",
    GroupCoordinator.fetch_committed_offsets: "6c049c737916",
    CoordinatorGroupRebalance.perform_group_join: "ff2c2109b2e9",
    GroupCoordinator._send_req: "fa4b12e914ce",
    GroupCoordinator._do_heartbeat: "dc1d6632aaa6",
    GroupCoordinator._do_commit_offsets: "c3a3ea5613f3",
    GroupCoordinator.reset_generation: "537aa37c531b",
    GroupCoordinator.coordinator_dead: "ba1eda0254af",
    CoordinatorGroupRebalance._send_sync_group_request: "7429ca078ddf",
    GroupCoordinator.commit_offsets: "5cbe31af28d6",
    BatchBuilder.append: "657d76f55157",
    MessageAccumulator.add_batch: "5ed1c5b1367a",
}
"""In aiokafka: private names that are read, and behaviour that is counted on."""

RELIED_UPON = REPLACED | CALLED | INSIDE


def digest(code: Any) -> str:
    return hashlib.sha256(inspect.getsource(inspect.unwrap(code)).encode()).hexdigest()[:12]


@pytest.mark.parametrize("code", RELIED_UPON, ids=lambda code: code.__qualname__)
def test_what_is_relied_upon_is_as_it_was_read(code: Any) -> None:
    """To the letter: what it means was judged by reading it."""
    assert digest(code) == RELIED_UPON[code]


async def test_workers_read_what_is_committed(workers: Workers) -> None:
    """Upstream's driver reads posts of transactions that are open, or were aborted."""
    async with workers(Handler()) as app:
        await until(lambda: app.consumer._thread._consumer is not None)
        assert app.consumer._thread._consumer._fetcher._isolation_level == READ_COMMITTED


def test_fetched_batches_are_read_by_our_own_classes() -> None:
    """By these names upstream's fetcher makes what it hands over."""
    assert fetcher.MemoryRecords is Batches
    assert fetcher.PartitionRecords is PartitionRecords


async def test_upstream_still_commits_past_what_is_in_flight(
    broker: MockBroker, log: Log, tmp_path: Path
) -> None:
    """The negative control: 100 is held, 101 to 109 are done, and a crash now loses 100.

    The same history with our transport is in test_app.py. When this fails, upstream has mended
    its issue 606.
    """
    app = faust.App(
        "upstream",
        broker=URL(f"kafka://{broker.bootstrap}"),
        store="memory://",
        datadir=tmp_path,
        autodiscover=False,
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        stream_wait_empty=False,
        consumer_auto_offset_reset="earliest",
        broker_commit_interval=0.1,
    )
    opened = asyncio.Event()
    handled = []

    @app.agent(
        app.topic(POSTS, value_type=bytes, value_serializer="raw", key_serializer="raw"),
        concurrency=10,
    )
    async def posts(stream: Any) -> None:
        async for value in stream:
            if value == b"100":
                await opened.wait()
            handled.append(value)

    await log.publish(*numbers(110))
    try:
        await asyncio.wait_for(app.start(), PATIENCE)
        await until(lambda: len(handled) == 109)
        await eventually(lambda: log.committed("upstream"), {0: 110})
        assert b"100" not in handled
    finally:
        opened.set()
        await asyncio.wait_for(app.stop(), PATIENCE)
