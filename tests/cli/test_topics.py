"""Topics are compared with their declaration, created, put right, and never resized."""

import json
from collections.abc import Mapping
from uuid import uuid4

import pytest
from click.testing import CliRunner

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
    more = {**CONFIG, "segment.ms": "1"}
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
    ]


class Village:
    """`mingle topics` on a real Kafka, for one declared topic with a name of its own."""

    def __init__(self, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.name = f"posts-{uuid4().hex[:8]}"
        self.runner = CliRunner(env={"MINGLE_KAFKA_BOOTSTRAP": address})
        self._monkeypatch = monkeypatch

    def declare(self, partitions: int = 3, retention: str = "3600000") -> None:
        declared = {self.name: topic(self.name, partitions, retention)}
        self._monkeypatch.setattr(topics, "load_topics", lambda: declared)

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
