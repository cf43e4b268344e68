"""One contract, kept by the outbox in memory and by the one on Kafka."""

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NamedTuple

import pytest

from services.errors import BrokerUnavailable, MessageTooLarge, SendingRefused
from services.settings.brokers import Brokers
from streams.embedded.mock_broker import Api, MockBroker
from streams.kafka.producer import REFUSAL_SECONDS, KafkaOutbox
from streams.outbox import MemoryOutbox, Outbox, Outgoing
from tests.streams.conftest import PATIENCE, Log, numbers
from tests.streams.fakes import POSTS, metrics, sample

NOT_LEADER = 6
MESSAGE_TOO_LARGE = 10
TOPIC_AUTHORIZATION_FAILED = 29


class Post(NamedTuple):
    """An outbox, and how to read what has left it."""

    outbox: Outbox
    sent: Callable[[int], Awaitable[list[Outgoing]]]


@pytest.fixture(params=["memory", "kafka"])
async def post(request: pytest.FixtureRequest) -> AsyncIterator[Post]:
    if request.param == "memory":
        memory = MemoryOutbox()

        async def in_memory(_: int) -> list[Outgoing]:
            return list(memory.sent(POSTS))

        yield Post(memory, in_memory)
    else:
        broker = request.getfixturevalue("broker")
        kafka = KafkaOutbox(Brokers(broker.bootstrap))
        log = Log(broker, kafka)

        async def on_kafka(count: int) -> list[Outgoing]:
            return [
                Outgoing(each.topic, each.key, each.value, each.headers, each.timestamp)
                for each in await log.read(POSTS, count)
            ]

        yield Post(kafka, on_kafka)
        await kafka.close()


async def test_what_is_sent_is_there(post: Post) -> None:
    """Once the call returns, and as it was."""
    messages = [
        Outgoing(POSTS, b"bob", b"1", (("name", b"value"),), 1234),
        Outgoing(POSTS, b"bob", None, (), 1235),
        Outgoing(POSTS, None, b"3", (), 1236),
        Outgoing(POSTS, None, None, (), 1237),
    ]
    await post.outbox.send(messages)
    assert sorted(await post.sent(4), key=lambda each: each.timestamp or 0) == messages


async def test_messages_of_one_key_keep_their_order(post: Post) -> None:
    """More of them than fit into one request."""
    messages = [Outgoing(POSTS, b"bob", b"%d" % n + b"x" * 3_000, (), 1) for n in range(500)]
    await post.outbox.send(messages)
    assert await post.sent(500) == messages


async def test_nothing_to_send_is_no_error(post: Post) -> None:
    """Handlers need not ask."""
    await post.outbox.send([])


async def test_calls_at_the_same_time(post: Post) -> None:
    """Each is acknowledged."""
    calls = [post.outbox.send([Outgoing(POSTS, b"%d" % n, b"")]) for n in range(100)]
    await asyncio.gather(*calls)
    assert {each.key for each in await post.sent(100)} == {b"%d" % n for n in range(100)}


async def sends(outbox: Outbox, value: bytes) -> bool:
    try:
        await outbox.send([Outgoing(POSTS, b"bob", value)])
    except BrokerUnavailable:
        return False
    return True


async def test_a_broker_that_does_not_acknowledge(broker: MockBroker, log: Log) -> None:
    """Is an error in bounded time; afterwards the same outbox sends again."""
    outbox = KafkaOutbox(Brokers(broker.bootstrap), send_seconds=0.5)
    await outbox.send([Outgoing(POSTS, b"bob", b"1")])
    broker.broker_down()
    for _ in range(2):
        with pytest.raises(BrokerUnavailable):
            await outbox.send([Outgoing(POSTS, b"bob", b"2")])
    broker.broker_up()
    async with asyncio.timeout(PATIENCE):
        while not await sends(outbox, b"3"):
            pass
    await outbox.close()
    assert (await log.read_until(POSTS, b"3"))[0] == b"1"


class Handled:
    """A batch, of which messages are made."""


@pytest.mark.parametrize("refusal", [None, TOPIC_AUTHORIZATION_FAILED, MESSAGE_TOO_LARGE])
async def test_a_call_that_failed_leaves_nothing_to_the_garbage_collector(
    broker: MockBroker, refusal: int | None
) -> None:
    """Else each try of an outage would leave its batch."""
    outbox = KafkaOutbox(Brokers(broker.bootstrap), send_seconds=10 if refusal else 0.3)
    await outbox.send([Outgoing(POSTS, b"bob", b"1")])
    if refusal:
        broker.fail_next(Api.PRODUCE, refusal)
    else:
        broker.broker_down()
    alive: list[weakref.ref[Handled]] = []

    async def handle() -> None:
        batch = Handled()
        alive.append(weakref.ref(batch))
        await outbox.send([Outgoing(POSTS, b"bob", b"2")])

    gc.disable()
    try:
        with pytest.raises((BrokerUnavailable, MessageTooLarge)) as raised:
            await asyncio.create_task(handle())
        del raised
        await asyncio.sleep(0)
        assert alive[0]() is None
    finally:
        gc.enable()
    if not refusal:
        broker.broker_up()
    await outbox.close()


async def test_what_the_broker_may_yet_take_is_sent_again(broker: MockBroker, log: Log) -> None:
    """A leader that moved is found."""
    outbox = KafkaOutbox(Brokers(broker.bootstrap))
    broker.fail_next(Api.PRODUCE, NOT_LEADER, NOT_LEADER)
    await outbox.send([Outgoing(POSTS, None, b"1")])
    await outbox.close()
    assert len(await log.read(POSTS, 1)) == 1


async def test_what_the_broker_refuses_is_an_error(broker: MockBroker, log: Log) -> None:
    """And does not spoil what is sent afterwards."""
    outbox = KafkaOutbox(Brokers(broker.bootstrap))
    broker.fail_next(Api.PRODUCE, MESSAGE_TOO_LARGE)
    with pytest.raises(MessageTooLarge, match=r"posts is not written to: .*MessageSizeTooLarge"):
        await outbox.send([Outgoing(POSTS, b"bob", b"1")])
    await outbox.send([Outgoing(POSTS, b"bob", b"2")])
    await outbox.close()
    assert [each.value for each in await log.read(POSTS, 1)] == [b"2"]


async def test_a_batch_that_is_too_large_is_sent_in_halves(broker: MockBroker, log: Log) -> None:
    """A topic may take less than our batches, and each of their messages."""
    outbox = KafkaOutbox(Brokers(broker.bootstrap))
    broker.fail_next(Api.PRODUCE, MESSAGE_TOO_LARGE)
    messages = [Outgoing(POSTS, b"bob", value) for value in numbers(5)]
    await outbox.send(messages)
    await outbox.close()
    assert [each.value for each in await log.read(POSTS, 5)] == numbers(5)


async def test_what_an_operator_must_mend_is_reported(broker: MockBroker) -> None:
    """As long as it lasts: until the topic takes something, or nothing waits for it any more."""
    now = 0.0
    measured = metrics()
    outbox = KafkaOutbox(Brokers(broker.bootstrap), metrics=measured, now=lambda: now)
    for _ in range(2):
        broker.fail_next(Api.PRODUCE, TOPIC_AUTHORIZATION_FAILED)
        with pytest.raises(SendingRefused):
            await outbox.send([Outgoing(POSTS, b"bob", b"1")])
        (why,) = outbox.missing()
        assert why == "posts is not written to: TopicAuthorizationFailedError('posts')"
        assert outbox.stuck() == []
        now += REFUSAL_SECONDS
        assert outbox.missing() == []
        now -= REFUSAL_SECONDS
        await outbox.send([Outgoing(POSTS, b"bob", b"1")])
        assert outbox.missing() == []
    await outbox.close()
    refused = sample(measured, "timeline_sends_refused_total", topic=POSTS, reason="operator")
    assert refused == 2
