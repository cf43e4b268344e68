"""`mingle status` says what there is to do, and what could not be asked."""

import json
from collections.abc import Callable
from uuid import uuid4

from click.testing import CliRunner
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from hypothesis import given
from hypothesis import strategies as st

from servers.server import Reachable
from services.clock import now_ms
from services.settings.brokers import Brokers
from streams.cli import main
from streams.kafka.group_status import OLDEST_MS, YOUNGEST_MS, GroupAdmin, bisect_age

HOUR_MS = 3_600_000
MESSAGES = 10


@given(st.floats(YOUNGEST_MS, OLDEST_MS))
def test_an_age_is_found_to_two_percent(age: float) -> None:
    """By ten questions, whatever it is between the bounds."""
    asked: list[float] = []

    def is_older(than: float) -> bool:
        asked.append(than)
        return age > than

    found = bisect_age(is_older)
    assert found <= age * 1.001
    assert age <= found * 1.025
    assert len(asked) == 10


def group_at(kafka: Reachable, offset: int, forgotten: int = 0) -> tuple[str, str]:
    """A topic with messages of the last ten hours, and a group that committed this offset."""
    topic, group = f"status-{uuid4().hex}", f"status-{uuid4().hex}"
    brokers = {"bootstrap.servers": kafka.address}
    admin = AdminClient(brokers)
    admin.create_topics([NewTopic(topic, 1)])[topic].result(30)
    producer = Producer(brokers)
    begin = now_ms() - MESSAGES * HOUR_MS
    for number in range(MESSAGES):
        producer.produce(topic, b"x", timestamp=begin + number * HOUR_MS)
    assert producer.flush(30) == 0
    consumer = Consumer({**brokers, "group.id": group})
    consumer.commit(offsets=[TopicPartition(topic, 0, offset)], asynchronous=False)
    consumer.close()
    if forgotten:
        (done,) = admin.delete_records([TopicPartition(topic, 0, forgotten)]).values()
        done.result(30)
    return topic, group


def test_a_group_is_as_far_behind_as_its_oldest_message_is_old(kafka: Reachable) -> None:
    """By the messages' own times; a group without members says so."""
    topic, group = group_at(kafka, 4)
    found = GroupAdmin(Brokers(kafka.address)).status(group, [topic])
    assert found.behind == {topic: MESSAGES - 4}
    assert found.members == ()
    assert found.lost == 0
    assert 5.8 < found.seconds * 1_000 / HOUR_MS < 6.2


def test_messages_that_the_log_lost_before_they_were_read_are_counted(kafka: Reachable) -> None:
    """A log that is limited in size removes what a group still needs."""
    topic, group = group_at(kafka, 1, forgotten=3)
    found = GroupAdmin(Brokers(kafka.address)).status(group, [topic])
    assert found.lost == 2
    assert found.behind == {topic: MESSAGES - 3}


def test_a_group_that_has_read_all_waits_for_nothing(kafka: Reachable) -> None:
    """Its age is 0, not that of its last message."""
    topic, group = group_at(kafka, MESSAGES)
    found = GroupAdmin(Brokers(kafka.address)).status(group, [topic])
    assert found.behind == {topic: 0}
    assert found.seconds == 0


def status(**environment: str) -> tuple[int, str]:
    result = CliRunner(env=environment).invoke(main, ["status", *("--json",)])
    return result.exit_code, result.stdout


def test_what_does_not_answer_is_a_problem() -> None:
    """Each with its name; the rest would still be shown, and the exit code is 1."""
    code, output = status(MINGLE_KAFKA_BOOTSTRAP="127.0.0.1:1", MINGLE_CASSANDRA_PORT="1")
    assert code == 1
    found = json.loads(output)
    assert [each.partition(":")[0] for each in found["problems"]] == ["Kafka", "Cassandra"]
    assert found["groups"] == []


def test_the_whole_is_shown(kafka: Reachable, cassandra: Reachable) -> None:
    """With every role's group, and as lines for people."""
    settings = {
        "MINGLE_KAFKA_BOOTSTRAP": kafka.address,
        "MINGLE_CASSANDRA_PORT": str(cassandra.port),
        "MINGLE_CASSANDRA_KEYSPACE": f"status_{uuid4().hex}",
    }
    mingle = _mingle(settings)
    code, output = mingle("status", "--json")
    assert code == 1
    assert any("mingle migrate" in each for each in json.loads(output)["problems"])
    assert mingle("migrate")[0] == 0
    code, output = mingle("status", "--json")
    assert code == 0
    found = json.loads(output)
    assert [each["group"] for each in found["groups"]] == [
        "mingle-ingest", "mingle-fanout", "mingle-bulk", "mingle-search"
    ]  # fmt: skip
    assert found["brakes"] == {}
    assert found["generations"]["live"]
    assert mingle("generations") == (0, f"{found['generations']['live']}: read\n")
    _, lines = mingle("status")
    for words in ("mingle-ingest", "brakes", "all off", "generations", "migrations"):
        assert words in lines


def _mingle(settings: dict[str, str]) -> Callable[..., tuple[int, str]]:
    def run(*arguments: str) -> tuple[int, str]:
        result = CliRunner(env=settings).invoke(main, arguments)
        return result.exit_code, result.stdout

    return run
