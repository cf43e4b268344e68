"""`mingle publish` sends what its files hold, and says what became of it."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from schemas import topics
from streams.cli import main
from streams.embedded.mock_broker import MockBroker

GOOD = '{"topic":"follows","type":"follow.created","version":1,"follower_id":1,"followee_id":2}\n'
HALF_AN_EMOJI = (
    '{"topic":"posts","type":"post.created","post_id":1,"author_id":1,"text":"\\ud83d"}\n'
)
BAD = '{"topic":"follows","type":"follow.created"}\n'
POISON = '{"topic":"posts","key":"7","raw":"no JSON"}\n'


@pytest.fixture(scope="module")
def bootstrap() -> Iterator[str]:
    with MockBroker() as broker:
        for name in topics.load_topics():
            broker.create_topic(name)
        yield broker.bootstrap


@pytest.fixture
def publish(bootstrap: str) -> "Publish":
    return Publish(bootstrap)


class Publish:
    def __init__(self, bootstrap: str) -> None:
        self._runner = CliRunner(env={"MINGLE_KAFKA_BOOTSTRAP": bootstrap})

    def __call__(self, *arguments: str, given: str = "") -> Result:
        return self._runner.invoke(main, ["publish", *arguments], input=given)


def test_lines_of_standard_input_are_sent(publish: Publish) -> None:
    """Poison too, where it is intended."""
    result = publish("-", "--json", given=GOOD + POISON)
    assert result.exit_code == 0
    told = json.loads(result.output)
    assert told["acknowledged"] == 2
    assert told["by_topic"] == {"follows": 1, "posts": 1}


def test_files_are_sent_one_after_the_other(publish: Publish, tmp_path: Path) -> None:
    """Lines and data sets, compressed or not, in one call."""
    lines = tmp_path / "lines"
    follows = tmp_path / "follows.csv.gz"
    lines.write_text(GOOD)
    follows.write_bytes(gzip.compress(b"follower_id,followee_id\n1,2\n1,3\n"))
    result = publish(str(lines), str(follows), "--shuffle", "1", "--rate", "1000")
    assert result.exit_code == 0
    assert result.output.startswith("3 messages acknowledged in ")


def test_a_malformed_line_stops_it(publish: Publish) -> None:
    """The line is named; messages before it are acknowledged, those after it are not sent."""
    result = publish("-", "--json", given=GOOD + BAD + GOOD)
    assert result.exit_code == 1
    assert result.stderr == "Error: standard input, line 2: follower_id: missing\n"
    assert json.loads(result.stdout)["acknowledged"] == 1


def test_malformed_lines_can_be_passed_over(publish: Publish) -> None:
    """Each is named, and the exit code still says that not all was sent."""
    result = publish("-", "--json", "--keep-going", given=BAD + GOOD + BAD + GOOD)
    assert result.exit_code == 1
    assert [line.split(": ")[1] for line in result.stderr.splitlines()] == [
        "standard input, line 1",
        "standard input, line 3",
    ]
    assert json.loads(result.stdout)["acknowledged"] == 2


def test_what_was_refused_is_counted_by_reason(publish: Publish) -> None:
    """Half an emoji is a line like others, never a traceback; blank lines are nothing."""
    given = "\ufeff\n" + HALF_AN_EMOJI + GOOD + "\n" + BAD + BAD + "{\n"
    result = publish("-", "--json", "--keep-going", given=given)
    assert json.loads(result.stdout)["refused"] == {
        "follower_id: missing": 2,
        "not encodable as JSON": 1,
        "not JSON": 1,
    }
    result = publish("-", "--keep-going", given=given)
    assert result.exit_code == 1
    assert result.stdout.endswith(
        "2 refused: follower_id: missing\n1 refused: not encodable as JSON\n1 refused: not JSON\n"
    )


def test_a_data_set_with_a_mark_quotes_and_blank_lines(publish: Publish) -> None:
    """As spreadsheets write it; a row that no schema admits is named and not sent."""
    given = '\ufeff"follower_id","followee_id"\r\n\r\n1,2\r\n\r\n'
    result = publish("-", "--json", given=given)
    assert (result.exit_code, json.loads(result.stdout)["acknowledged"]) == (0, 1)
    for ids, why in (("-1,2", "follower_id: out_of_range"), (f"{2**70},2", "follower_id")):
        result = publish("-", "--json", given=given + ids + "\r\n")
        assert result.exit_code == 1
        assert result.stderr.startswith(f"Error: standard input, line 5: {why}")


def test_a_missing_file_is_wrong_use(publish: Publish) -> None:
    """The error comes before anything is sent."""
    result = publish("nowhere.csv")
    assert result.exit_code == 2
    assert "nowhere.csv" in result.output


def test_no_broker_is_a_clear_line() -> None:
    """Exit code 1, the address and the setting that holds it."""
    runner = CliRunner(env={"MINGLE_KAFKA_BOOTSTRAP": "127.0.0.1:1"})
    result = runner.invoke(main, ["publish", "-"], input=GOOD)
    assert result.exit_code == 1
    assert result.output == "Error: no broker answers at 127.0.0.1:1 (MINGLE_KAFKA_BOOTSTRAP)\n"
