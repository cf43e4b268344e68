"""Topics are compared with their declaration, created, put right, and never resized."""

import json
from collections.abc import Mapping
from uuid import uuid4

import pytest
from click.testing import CliRunner
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from schemas import topics
from schemas.topics import Topic
from servers.server import Reachable
from streams.cli import main
from streams.embedded.mock_broker import MockBroker
from streams.kafka.topics import ActualTopic, compare_topics

CONFIG = {"cleanup.policy": "delete", "retention.ms": "3600000"}


def topic(name: str = "posts", partitions: int = 3, retention: str = "3600000") -> Topic:
    return Topic(
        name=name,
        description="what alice and bob say",
        producers=("alice",),
        consumers=("bob",),
        key="author_id",
        partitions=partitions,
        config={**CONFIG, "retention.ms": retention},
    )


def differences(actual: Mapping[str, ActualTopic]) -> list[str]:
    return [str(each) for each in compare_topics({"posts": topic()}, actual)]


def test_a_topic_as_declared_differs_in_nothing() -> None:
    """Undeclared settings and undeclared topics do not count."""
    more = {**CONFIG, "segment.ms": "1", "min.insync.replicas": "1"}
    assert differences({"posts": ActualTopic(3, more), "gossip": ActualTopic(1, {})}) == []


def test_a_missing_topic_is_missing() -> None:
    """One difference, however many settings it declares."""
    assert differences({}) == ["posts: missing"]


def test_partitions_and_settings_are_compared() -> None:
    """Each difference has the actual and the declared value."""
    assert differences({"posts": ActualTopic(1, {"cleanup.policy": "compact"})}) == [
        "posts: partitions 1, declared 3",
        "posts: cleanup.policy compact, declared delete",
        "posts: retention.ms unset, declared 3600000",
        "posts: min.insync.replicas unset, declared 1",
    ]


@pytest.mark.parametrize(("replicas", "least"), [(1, 1), (2, 2), (3, 2), (5, 3)])
def test_a_majority_of_the_replicas_is_in_sync(replicas: int, least: int) -> None:
    """Else a message that was acknowledged is lost with one broker."""
    config = {**CONFIG, "min.insync.replicas": str(least)}
    assert differences({"posts": ActualTopic(3, config, replicas)}) == []
    config["min.insync.replicas"] = "7"
    assert differences({"posts": ActualTopic(3, config, replicas)}) == [
        f"posts: min.insync.replicas 7, declared {least}"
    ]


def test_what_the_promise_rests_on_is_declared_of_every_topic() -> None:
    """Nothing is deleted for its size, times are the producers', no unclean leader is elected."""
    for declared in topics.load_topics().values():
        assert declared.config["retention.bytes"] == "-1"
        assert declared.config["message.timestamp.type"] == "CreateTime"
        assert declared.config["unclean.leader.election.enable"] == "false"
        assert "cleanup.policy" in declared.config


class Village:
    """`mingle topics` on a real Kafka, for one declared topic with a name of its own."""

    def __init__(self, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.name = f"posts-{uuid4().hex[:8]}"
        self.address = address
        self.runner = CliRunner(env={"MINGLE_KAFKA_BOOTSTRAP": address})
        self._monkeypatch = monkeypatch

    def declare(self, partitions: int = 3, retention: str = "3600000") -> None:
        declared = {self.name: topic(self.name, partitions, retention)}
        self._monkeypatch.setattr(topics, "load_topics", lambda: declared)

    def spoil(self, name: str, value: str) -> None:
        """Set one setting of the topic, past its declaration."""
        admin = AdminClient({"bootstrap.servers": self.address})
        entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
        topic = ConfigResource(ResourceType.TOPIC, self.name, incremental_configs=[entry])
        for future in admin.incremental_alter_configs([topic]).values():
            future.result(10)

    def run(self, deed: str) -> tuple[int, str, list[str]]:
        result = self.runner.invoke(main, ["topics", deed, "--json"])
        [row] = json.loads(result.output)
        return result.exit_code, row["state"], row["differences"]


@pytest.fixture
def village(kafka: Reachable, monkeypatch: pytest.MonkeyPatch) -> Village:
    return Village(kafka.address, monkeypatch)


def test_missing_topics_are_created(village: Village) -> None:
    """A check changes nothing; applying creates, and applying again changes nothing."""
    village.declare()
    assert village.run("check") == (1, "differs", [f"{village.name}: missing"])
    assert village.run("apply") == (0, "created", [])
    assert village.run("apply") == (0, "as declared", [])
    assert village.run("check") == (0, "as declared", [])


def test_settings_are_put_right(village: Village) -> None:
    """A declaration that changes reaches the topic with the next apply."""
    village.declare()
    village.run("apply")
    village.declare(retention="-1")
    differs = [f"{village.name}: retention.ms 3600000, declared -1"]
    assert village.run("check") == (1, "differs", differs)
    assert village.run("apply") == (0, "changed", [])


def test_what_acknowledges_too_early_is_put_right(village: Village) -> None:
    """The one replica of this broker cannot be two: nothing would be acknowledged."""
    village.declare()
    village.run("apply")
    village.spoil("min.insync.replicas", "2")
    differs = [f"{village.name}: min.insync.replicas 2, declared 1"]
    assert village.run("check") == (1, "differs", differs)
    assert village.run("apply") == (0, "changed", [])


@pytest.mark.parametrize("declared", [2, 5])
def test_partitions_are_left_alone(village: Village, declared: int) -> None:
    """Neither fewer nor more: the difference is reported with exit code 1, the rest is applied."""
    village.declare()
    village.run("apply")
    village.declare(partitions=declared, retention="-1")
    differs = [f"{village.name}: partitions 3, declared {declared}"]
    assert village.run("apply") == (1, "differs", differs)


def test_a_table_is_for_people(village: Village) -> None:
    """Names and states on standard output, differences on standard error."""
    village.declare()
    result = village.runner.invoke(main, ["topics", "check"])
    assert village.name in result.stdout
    assert result.stderr == f"{village.name}: missing\n"


def test_no_broker_is_a_clear_line() -> None:
    """Exit code 1, the address and the setting that holds it."""
    with MockBroker() as broker:
        broker.broker_down()
        runner = CliRunner(env={"MINGLE_KAFKA_BOOTSTRAP": broker.bootstrap})
        result = runner.invoke(main, ["topics", "check"])
    assert result.exit_code == 1
    assert result.output.startswith(f"Error: no broker answers at {broker.bootstrap} (MINGLE_")
