"""`mingle replay` says what is wrong with a plan before anything is done."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from streams.cli import main
from streams.display.replay import plan_table, progress_line
from streams.replay.plan import Lost, Plan, Source, render_plan
from streams.replay.progress import Progress

PLAN = Plan(name="n", made_at=0, sources=(Source("posts", 0, 0, 1),))


def mingle(*arguments: str, **settings: str) -> Result:
    environment = {f"MINGLE_{k.upper()}": v for k, v in settings.items()} | {"COLUMNS": "200"}
    return CliRunner(env=environment).invoke(main, ["replay", *arguments])


@pytest.fixture
def plan(tmp_path: Path) -> str:
    path = tmp_path / "plan.json"
    path.write_bytes(render_plan(PLAN))
    return str(path)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--author", "1", "--user", "2"], "--author, --user, --conversation"),
        (["--part", "posts:x"], "--part"),
        (["--part", "fanout-pages:1"], "--part"),
        (["--part", "posts:1:a-b"], "offsets are numbers"),
        (["--topic", "posts", "--part", "posts:1"], "--part: expected none beside --topic"),
        (["--topic", "fanout-pages"], "--topic"),
        (["--since", "noon"], "--since"),
        (["--into", "Second!"], "--into"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(arguments: list[str], said: str) -> None:
    """Before anything connects; the option is named."""
    result = mingle("plan", *arguments)
    assert result.exit_code == 2
    assert said in result.output


def test_a_plan_is_never_overwritten(plan: str) -> None:
    """Before anything connects: an earlier plan may be half done."""
    result = mingle("plan", "--out", plan)
    assert result.exit_code == 2
    assert f"--out: {plan} exists" in result.output


@pytest.mark.parametrize("command", ["run", "status", "verify"])
def test_a_file_that_is_no_plan_is_refused(command: str, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text("{}")
    for path in (other, tmp_path / "nowhere.json"):
        result = mingle(command, str(path))
        assert result.exit_code == 2
        assert str(path) in result.output


@pytest.mark.parametrize("command", ["run", "status"])
def test_brokers_that_are_away_are_one_line(command: str, plan: str) -> None:
    result = mingle(command, plan, kafka_bootstrap="127.0.0.1:1")
    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    assert "MINGLE_KAFKA_BOOTSTRAP" in result.output


@pytest.mark.parametrize(
    ("arguments", "said"), [(["cutover", "b-2"], "GENERATION"), (["retire"], "GENERATION")]
)
def test_a_generation_has_a_small_name(arguments: list[str], said: str) -> None:
    result = mingle(*arguments)
    assert result.exit_code == 2
    assert said in result.output


@pytest.mark.parametrize("rate", ["0", "many"])
def test_a_snapshot_of_edges_has_a_rate_above_zero(rate: str) -> None:
    result = mingle("snapshot-edges", "--rate", rate)
    assert result.exit_code == 2
    assert "--rate" in result.output


@pytest.mark.parametrize(
    "arguments", [["cutover", "b"], ["rollback"], ["retire", "b"], ["snapshot-edges"]]
)
def test_memory_has_no_generations_and_no_edges_to_keep(arguments: list[str]) -> None:
    result = mingle(*arguments, store="memory")
    assert result.exit_code == 1
    assert "MINGLE_STORE" in result.output


def test_memory_cannot_be_replayed_into(plan: str) -> None:
    result = mingle("run", plan, store="memory")
    assert result.exit_code == 1
    assert "MINGLE_STORE" in result.output


def test_a_plan_says_what_it_would_do() -> None:
    """For people: the estimates as such, the time and the load."""
    console = Console(width=120)
    whole = Plan(
        name="n", made_at=0, sources=(Source("posts", 0, 0, 9_000_000),), events=9_000_000,
        chosen=9_000_000, deliveries=72_000_000, estimated=True, lost=(Lost("posts", 0, 3),),
    )  # fmt: skip
    with console.capture() as printed:
        console.print(plan_table(whole))
    text = printed.get()
    assert "about 72,000,000 deliveries" in text
    assert "store requests" in text
    assert "105 min" in text
    assert progress_line(Progress(1, 4), 90.0, "live traffic, 9 s behind") == (
        "1 of 4 offsets (25.0%), 90 s left; waits for live traffic, 9 s behind"
    )
