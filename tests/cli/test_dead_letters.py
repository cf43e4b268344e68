"""`mingle dead-letters` finds dead letters, shows them, and sends them back."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from click.testing import CliRunner, Result
from confluent_kafka import Consumer, TopicPartition

from schemas import topics
from services.settings.brokers import Brokers
from streams.cli import main
from streams.dead_letters.memory import MemoryResolutions
from streams.delivery.cut import LARGEST_BODY
from streams.embedded.mock_broker import MockBroker
from streams.kafka.publisher import Publisher
from streams.outbox import Outgoing
from tests.dead_letters.fakes import written
from tests.streams.fakes import ACCEPTED_AT, FakeRecord

PARTITIONS = 2
DAY = 86_400_000
LATE = 400_000_000_000_000
"""In the year 14645."""
NOON = 1_760_000_000_000
"""2025-10-09T08:53:20Z, when the first dead letter was written."""


async def _letters() -> list[Outgoing]:
    """Alice's posts that are too long, one of bytes, one follow; a day between them."""
    twice = await written(FakeRecord(0, b"again", b"1"), field="version", reason="too_far_ahead")
    messages = [
        await written(FakeRecord(41, b'{"text":"long"}', b"1", headers=(("trace", b"x"),))),
        await written(FakeRecord(42, b"\xff\x00", b"\xfe"), field="value", reason="not_utf8"),
        await written(FakeRecord(43, None, None), field="value", reason="null_value"),
        await written(FakeRecord(9, b"again", b"1", headers=tuple(twice.headers))),
        await written(FakeRecord(44, b"{}", b"1"), topic="follows", field="type", reason="missing"),
    ]
    return [each._replace(timestamp=NOON + n * DAY) for n, each in enumerate(messages)]


@pytest.fixture(scope="module")
def bootstrap() -> Iterator[str]:
    with MockBroker() as broker:
        for name in topics.load_topics():
            broker.create_topic(name, PARTITIONS)
        with Publisher(Brokers(broker.bootstrap)) as publisher:
            for each in asyncio.run(_letters()):
                publisher.send(each)
        yield broker.bootstrap


class Mingle:
    def __init__(self, bootstrap: str) -> None:
        self._runner = CliRunner(
            env={"MINGLE_KAFKA_BOOTSTRAP": bootstrap, "MINGLE_STORE": "memory", "COLUMNS": "200"}
        )

    def __call__(self, *arguments: str) -> Result:
        return self._runner.invoke(main, ["dead-letters", *arguments])

    def listed(self, *arguments: str) -> list[dict[str, Any]]:
        result = self("list", "--json", *arguments)
        assert result.exit_code == 0, result.output
        return [json.loads(line) for line in result.output.splitlines()]

    def id_of(self, reason: str) -> str:
        (only,) = self.listed("--reason", reason, "--topic", "posts")
        return str(only["id"])


@pytest.fixture
def mingle(bootstrap: str) -> Mingle:
    return Mingle(bootstrap)


def offsets(rows: Sequence[dict[str, Any]]) -> set[int]:
    return {row["offset"] for row in rows}


def test_every_dead_letter_is_listed(mingle: Mingle) -> None:
    """With where it came from, why, and when; nothing of what it holds."""
    rows = mingle.listed()
    assert offsets(rows) == {41, 42, 43, 9, 44}
    (first,) = (row for row in rows if row["offset"] == 41)
    assert first == {
        "id": first["id"],
        "topic": "posts",
        "partition": 3,
        "offset": 41,
        "accepted_at": "2023-11-14T22:13:20.000+00:00",
        "buried_at": "2025-10-09T08:53:20.000+00:00",
        "field": "text",
        "reason": "too_long",
        "error": "schemas.errors.SchemaViolation",
        "key": "1",
        "bytes": 15,
        "burials": 1,
        "settled": None,
    }
    assert {row["key_hex"] for row in rows if "key_hex" in row} == {"fe"}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--topic", "follows"], {44}),
        (["--topic", "replies"], set()),
        (["--reason", "too_long"], {41, 9}),
        (["--field", "value"], {42, 43}),
        (["--field", "value", "--reason", "not_utf8"], {42}),
        (["--since", "2025-10-11T08:53:20"], {43, 9, 44}),
        (["--until", "2025-10-11T08:53:20Z"], {41, 42}),
        (["--since", "2025-10-10T10:53:20+02:00", "--until", "2025-10-11"], {42}),
    ],
)
def test_filters_exclude(mingle: Mingle, arguments: list[str], expected: set[int]) -> None:
    """Each of them, and all together; times are UTC unless they say otherwise."""
    assert offsets(mingle.listed(*arguments)) == expected


def test_dead_letters_are_listed_by_id(mingle: Mingle) -> None:
    """Several at once; one that is not there is not listed."""
    ids = [mingle.id_of("not_utf8"), mingle.id_of("null_value"), "posts-dlq:0:999"]
    assert offsets(mingle.listed(*ids)) == {42, 43}
    assert len(mingle.listed("--limit", "2")) == 2


def test_a_table_and_its_numbers_are_for_people(mingle: Mingle) -> None:
    """A line for each dead letter, and counts by topic and reason."""
    result = mingle("list")
    assert result.exit_code == 0
    assert mingle.id_of("not_utf8") in result.output
    assert result.output.endswith("5 dead letters listed\n")
    assert ["posts", "too_long", "2"] in [line.split() for line in result.output.splitlines()]


def test_a_summary_is_numbers_alone(mingle: Mingle) -> None:
    """For people and for machines."""
    assert mingle.id_of("not_utf8") not in mingle("list", "--summary").output
    printed = json.loads(mingle("list", "--summary", "--json", "--topic", "follows").output)
    assert printed == {"listed": 1, "by": [{"topic": "follows", "reason": "missing", "letters": 1}]}


def test_a_dead_letter_is_shown_with_its_history(mingle: Mingle) -> None:
    """Why it died at first, and why again."""
    (again,) = (row["id"] for row in mingle.listed() if row["burials"] == 2)
    result = mingle("show", again)
    assert result.exit_code == 0
    assert result.output.index("too_far_ahead") < result.output.index("too_long")
    printed = json.loads(mingle("show", again, "--json").output)
    assert [each["reason"] for each in printed["history"]] == ["too_far_ahead", "too_long"]
    assert (printed["value"], printed["cut"]) == ("again", False)


def test_what_is_no_text_is_shown_in_hex(mingle: Mingle) -> None:
    """Nothing that a stranger wrote reaches the terminal as it is."""
    result = mingle("show", mingle.id_of("not_utf8"))
    assert "0xff00" in result.output
    printed = json.loads(mingle("show", mingle.id_of("not_utf8"), "--json").output)
    assert printed["value_hex"] == "ff00"
    assert "none" in mingle("show", mingle.id_of("null_value")).output


def test_the_producers_headers_are_shown(mingle: Mingle) -> None:
    """Apart from the headers of the failure."""
    (first,) = (row["id"] for row in mingle.listed() if row["offset"] == 41)
    printed = json.loads(mingle("show", first, "--json").output)
    assert printed["headers"] == [{"name": "trace", "value": "x"}]
    assert '{"text":"long"}' in mingle("show", first).output


@pytest.mark.parametrize("command", ["list", "show"])
def test_data_is_text_whatever_it_says(command: str) -> None:
    """Markup in keys, values and headers is printed as it is, a time past 9999 as a number."""
    markup = b"[link=x]:smile:[/x]"
    with MockBroker() as broker:
        for name in topics.load_topics():
            broker.create_topic(name)
        with Publisher(Brokers(broker.bootstrap)) as publisher:
            record = FakeRecord(7, markup, markup, headers=(("[/b]", markup),))
            letter = asyncio.run(written(record, field="[red]", reason="too_long"))
            publisher.send(letter._replace(timestamp=NOON))
            publisher.send(letter._replace(timestamp=LATE))
        mingle = Mingle(broker.bootstrap)
        ids = [row["id"] for row in mingle.listed()] if command == "show" else []
        shown = mingle(command, *ids).output
    assert shown.count(markup.decode()) >= 2
    assert "[red]" in shown
    assert f"{LATE} ms" in shown


def test_a_dead_letter_that_is_not_there_is_an_error(mingle: Mingle) -> None:
    """Exit code 1, and the others are shown."""
    result = mingle("show", "posts-dlq:0:999", mingle.id_of("not_utf8"))
    assert result.exit_code == 1
    assert (
        result.stderr
        == "Error: there is no dead letter posts-dlq:0:999; they are kept for 30 days\n"
    )
    assert "0xff00" in result.stdout


def test_nothing_is_done_unless_it_is_meant(mingle: Mingle, bootstrap: str) -> None:
    """A dry run says what would be done."""
    for action, done in (("redrive", "redriven"), ("drop", "dropped")):
        result = mingle(action, "--topic", "posts")
        assert result.exit_code == 0
        assert result.output.endswith(
            f"4 dead letters would be {done}\nnothing was done: add --apply\n"
        )
    printed = json.loads(mingle("redrive", "--reason", "missing", "--json").output)
    assert printed["would_be_redriven"] == 1
    assert held(bootstrap, "posts") == []


def test_a_redriven_dead_letter_is_the_message_again(mingle: Mingle, bootstrap: str) -> None:
    """In its topic, with its key, value, headers and time, and the headers of the failure."""
    result = mingle("redrive", "--reason", "missing", "--apply", "--rate", "100")
    assert result.exit_code == 0
    assert result.output.endswith("1 dead letter redriven\n")
    (back,) = held(bootstrap, "follows")
    assert (back.key(), back.value()) == (b"1", b"{}")
    assert back.timestamp()[1] == ACCEPTED_AT
    assert dict(back.headers())["mingle.reason"] == b"missing"


def test_what_was_dropped_is_redriven_only_if_it_is_meant(
    mingle: Mingle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A redrive says how many it leaves out, and which option sends them."""
    resolutions = MemoryResolutions()
    monkeypatch.setattr("streams.cli.dead_letter_options.memory_resolutions", lambda: resolutions)
    dropped = mingle.id_of("not_utf8")
    assert mingle("drop", dropped, "--apply").output.endswith("1 dead letter dropped\n")
    result = mingle("redrive", "--topic", "posts")
    assert "3 dead letters would be redriven\n" in result.stdout
    assert result.stderr == "1 more were dropped: add --dropped\n"
    again = mingle("redrive", dropped, "--dropped")
    assert "1 dead letter would be redriven\n" in again.stdout
    assert again.stderr == ""


@pytest.mark.parametrize("arguments", [["--apply"], ["--all", "--topic", "posts"]])
def test_all_are_dropped_only_if_it_is_meant(mingle: Mingle, arguments: list[str]) -> None:
    """Without an id and a filter it must be asked for, and both at once are a mistake."""
    result = mingle("drop", *arguments)
    assert result.exit_code == 2
    assert "expected ids, a filter or --all" in result.stderr
    assert len(mingle.listed()) == 5
    assert "5 dead letters would be dropped" in mingle("drop", "--all").output


def test_one_that_was_cut_is_shown_and_not_redriven() -> None:
    """The error says what it lacks and where its message is; the exit code is 1."""
    with MockBroker() as broker:
        broker.create_topic("posts-dlq")
        for name in set(topics.load_topics()) - {"posts-dlq"}:
            broker.create_topic(name)
        with Publisher(Brokers(broker.bootstrap)) as publisher:
            record = FakeRecord(7, b"x" * (LARGEST_BODY + 1), b"1")
            publisher.send((asyncio.run(written(record)))._replace(timestamp=NOON))
        mingle = Mingle(broker.bootstrap)
        (row,) = mingle.listed()
        shown = " ".join(mingle("show", row["id"]).output.split())
        printed = json.loads(mingle("show", row["id"], "--json").output)
        results = [mingle("redrive", *more) for more in ((), ("--apply",))]
        assert held(broker.bootstrap, "posts", partitions=4) == []
    assert "holds only a part of its message (value cut)" in shown
    assert printed["original"]["value_bytes"] == str(LARGEST_BODY + 1)
    for result in results:
        assert result.exit_code == 1
        assert result.stderr.startswith(f"Error: {row['id']} holds only a part of its message")
        assert "read from posts, partition 3, offset 7, while that is kept" in result.stderr
        assert result.stdout.startswith("0 dead letters ")


@pytest.mark.parametrize(
    "arguments",
    [
        ["show"],
        ["show", "posts:0:1"],
        ["list", "--reason", "boredom"],
        ["list", "--topic", "gossip"],
        ["list", "--since", "yesterday"],
        ["redrive", "--rate", "0"],
        ["resume", "gossip"],
        ["resume", "posts", "--tolerate", "-1"],
    ],
)
def test_wrong_use_is_told_apart(mingle: Mingle, arguments: list[str]) -> None:
    """Exit code 2."""
    assert mingle(*arguments).exit_code == 2


def test_no_broker_is_a_clear_line() -> None:
    """Exit code 1, the address and the setting that holds it."""
    result = Mingle("127.0.0.1:1")("list")
    assert result.exit_code == 1
    assert result.output == "Error: no broker answers at 127.0.0.1:1 (MINGLE_KAFKA_BOOTSTRAP)\n"


def test_brakes_of_a_store_in_memory_end_with_their_worker(mingle: Mingle) -> None:
    """There is nothing to release from outside."""
    result = mingle("resume")
    assert result.exit_code == 1
    assert "MINGLE_STORE=memory" in result.output


def held(bootstrap: str, topic: str, partitions: int = PARTITIONS) -> list[Any]:
    """All messages of a topic."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "test"})
    found: list[Any] = []
    try:
        for number in range(partitions):
            at = TopicPartition(topic, number)
            first, end = consumer.get_watermark_offsets(at, timeout=10)
            consumer.assign([TopicPartition(topic, number, first)])
            found += consumer.consume(end - first, 10) if end > first else []
    finally:
        consumer.close()
    return found
