"""The whole way: Kafka, Faust, the delivery loop and back, on a broker in this process."""

import asyncio
import os
import threading
from collections.abc import Sequence

import pytest
from aiokafka import AIOKafkaProducer

from services.errors import StoreUnavailable
from services.handlers.handler import Accepted
from services.settings.settings import Settings
from streams.app import create_app
from streams.delivery.backlog import BatchBounds
from streams.delivery.intake import IntakeLimits
from streams.embedded.mock_broker import Api, MockBroker
from streams.kafka import transport
from streams.kafka.consumer_thread import ConsumerThread
from tests.streams.conftest import PATIENCE, Log, Workers, eventually, numbers, until
from tests.streams.fakes import BAD, P0, P1, POSTS, Handler, memory_brakes, metrics, refuse, sample

MESSAGE_TOO_LARGE = 10
GROUP_AUTHORIZATION_FAILED = 30
LARGE = b"\xff" * 3_000_000
"""What `decode` cannot read, and what gzip makes small."""
TOGETHER = b"bob"
"""A key: all messages with it are in one partition."""
ONE_BY_ONE = BatchBounds(messages=1, batches=20)


class Gate:
    """Handles everything at once except what it holds, until it is opened."""

    def __init__(self, *held: str) -> None:
        self.held = held
        self.handled: list[str] = []
        self.waiting: list[str] = []
        self.opened = asyncio.Event()

    async def __call__(self, batch: Sequence[Accepted[str]]) -> None:
        messages = [accepted.message for accepted in batch]
        if set(messages) & set(self.held):
            self.waiting += messages
            await self.opened.wait()
        self.handled += messages


def test_building_an_app_connects_nothing() -> None:
    """Each role is a group of its own, with a member of a name that stays."""
    settings = Settings(kafka_bootstrap="nowhere:1, nowhere:2", worker_name="pod-0")
    one, two = (
        create_app(role, settings, metrics(), memory_brakes()).conf for role in ("ingest", "fanout")
    )
    assert (one.id, two.id) == ("mingle-ingest", "mingle-fanout")
    assert one.consumer_group_instance_id == "pod-0-ingest"
    assert [str(url) for url in one.broker] == ["kafka://nowhere:1", "kafka://nowhere:2"]
    assert not one.web_enabled
    assert not one.topic_allow_declare


def test_workers_without_a_name_are_members_of_their_own() -> None:
    """Only a name that was chosen is static, so the default may be started twice."""
    named, unnamed = (
        create_app("ingest", Settings(worker_name=name), metrics(), memory_brakes()).conf
        for name in ("pod-0", "")
    )
    assert named.consumer_group_instance_id == named.broker_client_id == "pod-0-ingest"
    assert unnamed.consumer_group_instance_id is None
    assert unnamed.broker_client_id.endswith(f"-{os.getpid()}-ingest")


async def test_messages_are_handled_and_committed(workers: Workers, log: Log) -> None:
    """Thirty of them, one of which fails for a while."""
    handler = Handler()
    handler.refuse = refuse("5", error=StoreUnavailable("away"))
    await log.publish(*numbers(30))
    async with workers(handler, bounds=BatchBounds(messages=4)) as app:
        await until(lambda: len(handler.calls) > 8)
        assert len(handler.handled) < 30
        handler.refuse = refuse(error=StoreUnavailable(""))
        await eventually(log.committed, {0: 30})
        assert sorted(handler.handled, key=int) == [str(n) for n in range(30)]
        assert sample(app.transport.metrics, "timeline_rebalances_total") == 1


async def test_a_poison_message_becomes_a_dead_letter(workers: Workers, log: Log) -> None:
    """With where it came from and why; the stream goes on."""
    handler = Handler()
    async with workers(handler):
        await log.publish(b"0", BAD, b"2", key=TOGETHER)
        await eventually(log.committed, {0: 3})
    assert handler.handled == ["0", "2"]
    (dead_letter,) = await log.read("posts-dlq", 1)
    headers = dict(dead_letter.headers)
    assert (dead_letter.key, dead_letter.value) == (TOGETHER, BAD)
    assert headers["__connect.errors.topic"] == b"posts"
    assert headers["__connect.errors.offset"] == b"1"
    assert headers["__connect.errors.exception.message"] == b"text: too_long"


async def test_a_message_without_key_and_value_is_buried_too(workers: Workers, log: Log) -> None:
    """There is nothing that a dead letter cannot hold."""
    async with workers(Handler()):
        await log.publish(None, key=None)
        (dead_letter,) = await log.read("posts-dlq", 1)
    assert (dead_letter.key, dead_letter.value) == (None, None)


async def test_the_commit_stays_at_what_is_in_flight(workers: Workers, log: Log) -> None:
    """100 is held and 101 to 109 are done: killed now, the next worker begins at 100."""
    gate = Gate("100")
    await log.publish(*numbers(110), key=TOGETHER)
    async with workers(gate, bounds=ONE_BY_ONE) as app:
        await until(lambda: len(gate.handled) == 109)
        await eventually(log.committed, {0: 100})
        await app.consumer.commit()
        assert await log.committed() == {0: 100}
        gate.opened.set()
        await eventually(log.committed, {0: 110})


async def test_a_stop_finishes_what_is_in_flight(workers: Workers, log: Log) -> None:
    """And commits it."""
    gate = Gate("0")
    await log.publish(b"0", key=TOGETHER)
    async with workers(gate) as app:
        await until(lambda: bool(gate.waiting))
        stopping = asyncio.create_task(app.stop())
        await asyncio.sleep(0.1)  # into the stop; too early would only prove less
        assert not stopping.done()
        gate.opened.set()
        await stopping
    assert await log.committed() == {0: 1}


async def test_a_stop_abandons_a_retry(
    workers: Workers, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unacknowledged, at once, and the next worker receives it again."""
    monkeypatch.setattr(transport, "SETTLE_SECONDS", 60.0)
    away = Handler()
    away.refuse = refuse("1", error=StoreUnavailable("away"))
    await log.publish(*numbers(3), key=TOGETHER)
    async with workers(away, bounds=ONE_BY_ONE) as app:
        await until(lambda: len(away.calls) > 5)
        async with asyncio.timeout(PATIENCE):
            await app.stop()
    assert await log.committed() == {0: 1}
    back = Handler()
    async with workers(back):
        await eventually(log.committed, {0: 3})
    assert back.handled == ["1", "2"]


async def test_a_stop_abandons_what_does_not_finish(
    workers: Workers, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A handler that hangs does not hold up the process."""
    monkeypatch.setattr(transport, "SETTLE_SECONDS", 0.2)
    gate = Gate("1")
    await log.publish(*numbers(2), key=TOGETHER)
    async with workers(gate, bounds=ONE_BY_ONE) as app:
        await until(lambda: bool(gate.waiting) and bool(gate.handled))
        async with asyncio.timeout(PATIENCE):
            await app.stop()
    assert await log.committed() == {0: 1}


@pytest.mark.usefixtures("unhurried_leader")
async def test_workers_share_and_hand_over(workers: Workers, log: Log) -> None:
    """A second one takes half of the partitions while messages flow; nothing is lost."""
    first, second = Handler(), Handler()
    expected = {str(n) for n in range(400)}
    async with workers(first, "one") as one:
        await log.publish(*numbers(200), key=None)
        async with workers(second, "two") as two:
            await until(lambda: one.intake.acks.partitions() != {P0, P1})
            await until(lambda: len(two.intake.acks.partitions()) == 1)
            for start in range(200, 400, 20):
                await log.publish(*(b"%d" % n for n in range(start, start + 20)), key=None)
            await until(lambda: {*first.handled, *second.handled} == expected)
            assert second.handled
    assert sum((await log.committed()).values()) == 400
    assert len(first.handled) + len(second.handled) == 400


@pytest.mark.usefixtures("unhurried_leader")
async def test_a_rebalance_hands_over_what_was_being_retried(workers: Workers, log: Log) -> None:
    """A store that is away for one worker holds up no rebalance, and loses nothing."""
    away, back = Handler(), Handler()
    away.refuse = refuse(*(str(n) for n in range(20)), error=StoreUnavailable("away"))
    await log.publish(*numbers(20), key=None)
    async with workers(away, "one") as one:
        await until(lambda: bool(away.calls))
        async with workers(back, "two"):
            await until(lambda: len(one.intake.acks.partitions()) == 1)
            await until(lambda: bool(back.handled))
            away.refuse = refuse(error=StoreUnavailable(""))
            await until(lambda: len({*away.handled, *back.handled}) == 20)
    assert sum((await log.committed()).values()) == 20


async def test_a_store_that_is_away_does_not_fill_the_memory(workers: Workers, log: Log) -> None:
    """The intake of a partition that waits pauses, others go on, and nothing is lost."""
    away = Handler()
    away.refuse = refuse(*("x" * 1_000 + str(n) for n in range(2_000)), error=StoreUnavailable(""))
    await log.publish(*(b"x" * 1_000 + b"%d" % n for n in range(2_000)), key=TOGETHER)
    limits = IntakeLimits(partition_bytes=100_000)
    async with workers(away, limits=limits) as app:
        await until(lambda: P0 not in app.intake.open_partitions())
        await until(lambda: len(away.calls) > 20)
        assert app.intake.acks.held(P0) < 1 << 20  # of three: the limit, and one fetch beyond
        await log.publish(b"other", key=b"alice")
        await until(lambda: away.handled == ["other"])
        away.refuse = refuse(error=StoreUnavailable(""))
        await eventually(log.committed, {0: 2_000, 1: 1})
        assert len(away.handled) == len(set(away.handled)) == 2_001


async def test_a_broker_that_goes_and_comes_back(
    workers: Workers, broker: MockBroker, log: Log
) -> None:
    """Nothing crashes, what was handled meanwhile is committed, and the stream goes on."""
    gate = Gate("0")
    await log.publish(b"0", key=TOGETHER)
    async with workers(gate) as app:
        await until(lambda: bool(gate.waiting))
        broker.broker_down()
        gate.opened.set()
        await until(lambda: gate.handled == ["0"])
        assert not await app.consumer.commit()
        broker.broker_up()
        await eventually(log.committed, {0: 1})
        await log.publish(b"1", key=TOGETHER)
        await eventually(log.committed, {0: 2})
        assert not app.crashed


async def test_a_worker_waits_for_a_broker(workers: Workers, broker: MockBroker, log: Log) -> None:
    """It may be started first."""
    await log.publish(b"0", key=TOGETHER)
    handler = Handler()
    broker.broker_down()
    asyncio.get_running_loop().call_later(1.0, broker.broker_up)
    async with workers(handler) as app:
        await eventually(log.committed, {0: 1})
        assert not app.crashed


async def test_a_coordinator_that_cannot_go_on_ends_the_app(
    workers: Workers, broker: MockBroker
) -> None:
    """Upstream would be alive and receive nothing."""
    broker.fail_next(Api.SYNC_GROUP, *[GROUP_AUTHORIZATION_FAILED] * 3)
    async with workers(Handler()) as app:
        await until(lambda: app.crashed)
        assert "GroupAuthorizationFailed" in repr(app.crash_reason)


async def test_a_client_that_learns_nothing_any_more_ends_the_app(workers: Workers) -> None:
    """Its metadata never change again: upstream would look for a coordinator that has moved."""
    async with workers(Handler()) as app:
        await until(lambda: app.intake.assigned)
        thread = app.consumer._thread
        client = thread._consumer._client
        thread.thread_loop.call_soon_threadsafe(client._sync_task.cancel)
        lost = asyncio.get_running_loop().create_future()
        lost.set_exception(RuntimeError("the handler is closed"))
        client._sync_task = lost
        await until(lambda: app.crashed)
        assert "the handler is closed" in repr(app.crash_reason)


async def test_a_bug_of_the_loop_ends_the_app(
    workers: Workers, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rather than leave a topic that nobody reads; what it held is received again."""
    await log.publish(BAD)
    monkeypatch.setattr(log.outbox, "send", None)  # so that the dead letter cannot be buried
    async with workers(Handler()) as app:
        await until(lambda: app.crashed)
        async with asyncio.timeout(PATIENCE):
            await app.stop()
    assert (await log.committed()).get(0, 0) == 0


async def test_it_is_ready_when_its_topics_exist_and_its_share_is_known(workers: Workers) -> None:
    """A topic that is missing at the start is only a warning to upstream."""
    async with workers(Handler()) as app:
        await until(lambda: not app.intake.missing())
        assert app.intake.stuck() == []


async def test_a_stop_reaches_a_thread_that_has_not_begun(
    broker: MockBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would run on, and wait for brokers that are away."""
    broker.broker_down()
    begun, begin = ConsumerThread._start_thread, threading.Event()

    def begin_late(thread: ConsumerThread) -> None:
        begin.wait(PATIENCE)
        begun(thread)

    monkeypatch.setattr(ConsumerThread, "_start_thread", begin_late)
    settings = Settings(kafka_bootstrap=broker.bootstrap)
    app = create_app("ingest", settings, metrics(), memory_brakes())
    starting = asyncio.create_task(app.start())
    await until(lambda: app.consumer._thread._thread is not None)
    stopping = asyncio.create_task(app.stop())
    await until(lambda: app.should_stop)
    await asyncio.sleep(0.1)  # into the stop; too early would only prove less
    begin.set()
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(starting, stopping)
    assert not app.consumer._thread._thread.is_alive()


async def test_a_message_that_only_gzip_made_small_is_a_cut_dead_letter(
    workers: Workers, broker: MockBroker, log: Log
) -> None:
    """Its topic took it compressed; the dead-letter topic refuses it as it is, once and for all."""
    producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap, compression_type="gzip")
    await producer.start()
    batch = producer.create_batch()
    batch.append(timestamp=None, key=TOGETHER, value=LARGE)
    await (await producer.send_batch(batch, POSTS, partition=0))
    await producer.stop()
    broker.fail_next(Api.PRODUCE, MESSAGE_TOO_LARGE)
    async with workers(Handler()):
        await eventually(log.committed, {0: 1})
    (letter,) = await log.read("posts-dlq", 1)
    assert letter.value == LARGE[: len(letter.value)] != LARGE
    assert dict(letter.headers)["mingle.cut.bytes"] == b"%d" % len(LARGE)
