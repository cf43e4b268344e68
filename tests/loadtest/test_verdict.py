"""The verdict on a scenario's claim: by the figures of its report, in the report, as exit code."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from loadtest.report import PhaseResult, Report, load_report, save_report, with_verdict
from loadtest.scenario import Expectation, WrongScenario, load_scenario, parse_scenario
from loadtest.scenario import scenario_names as names
from loadtest.verdict import is_met, judge_claim
from streams.cli.loadtest import command
from tests.loadtest.test_report import BURST, PHASE, made
from tests.loadtest.test_scenario import SMALL

FAST = Expectation(figure="deliveries_per_second", at_least=400)
FASTER = Expectation(figure="deliveries_per_second", at_least=600)
UNMEASURED = Expectation(figure="redis_per_second", at_least=1)


@pytest.mark.parametrize(
    ("figure", "bound", "met"),
    [
        ("deliveries_per_second", {"at_least": 500}, True),
        ("deliveries_per_second", {"at_least": 501}, False),
        ("lost", {"at_most": 0}, True),
        ("delivery_latency_seconds.by_lane.push.p99", {"at_most": 0.29}, False),
        ("phases.0.outage.ratio_to_live_rate", {"at_least": 7}, True),
        ("phases.0.repetitions.*.seconds", {"at_most": 3}, True),
        ("phases.1.repetitions.*.seconds", {"at_most": 3}, False),  # one of two is slower
        ("lag_seconds_max", {"at_most": 3, "times": "delivery_latency_seconds.p99"}, False),
        ("lag_seconds_max", {"at_most": 5, "times": "delivery_latency_seconds.p99"}, True),
        ("redis_per_second", {"at_least": 1}, None),
        ("phases.2.lag_seconds_max", {"at_most": 1}, None),
        ("delivery_latency_seconds.by_lane.bulk.p99", {"at_most": 1}, None),
        ("lag_seconds_max", {"at_most": 3, "times": "redis_per_second"}, None),
        ("phases.*.outage.drain_seconds", {"at_most": 100}, None),  # one phase has none
    ],
)
def test_a_figure_is_held_to_its_bound(
    figure: str, bound: dict[str, Any], met: bool | None
) -> None:
    """What was not measured is neither met nor missed."""
    slow = msgspec.structs.replace(BURST, seconds=3.5)
    second = msgspec.structs.replace(PHASE, repetitions=[BURST, slow], outage=None)
    figures = msgspec.to_builtins(made(phases=[PHASE, second]))
    (judged,) = judge_claim([Expectation(figure=figure, **bound)], figures)
    assert judged.met is met
    assert figure in judged.expected


@pytest.mark.parametrize(
    ("expected", "met"),
    [
        ([FAST], True),
        ([FAST, FASTER], False),
        ([FAST, UNMEASURED], None),
        ([FASTER, UNMEASURED], False),
        ([], None),
    ],
)
def test_a_claim_is_all_of_its_figures(expected: list[Expectation], met: bool | None) -> None:
    """One miss refutes it, and one gap leaves it open."""
    assert is_met(judge_claim(expected, msgspec.to_builtins(made()))) is met


@pytest.mark.parametrize("name", names())
def test_each_scenario_says_what_its_claim_is_in_figures(name: str) -> None:
    """Each names figures that reports have, of phases that it has."""
    scenario = load_scenario(name)
    assert scenario.expect
    for place in [each.figure for each in scenario.expect] + [
        each.times for each in scenario.expect if each.times
    ]:
        first, *rest = place.split(".")
        assert first in Report.__struct_fields__
        if first == "phases":
            assert int(rest[0]) < len(scenario.phases)
            assert rest[1] in PhaseResult.__struct_fields__


@pytest.mark.parametrize("bounds", ["", "at_least: 1, at_most: 2,"])
def test_an_expectation_has_one_bound(bounds: str) -> None:
    """The refusal names its place in the file."""
    text = (SMALL + f"expect:\n  - {{{bounds} figure: lost}}\n").encode()
    with pytest.raises(WrongScenario, match=r"mine: expect\[0\]: expected either"):
        parse_scenario(text, "mine")


@pytest.mark.parametrize(
    ("expected", "changes", "code"),
    [
        ([FAST], {}, 0),
        ([FASTER], {}, 1),
        ([UNMEASURED], {}, 1),
        ([FAST], {"lost": 1}, 1),
    ],
)
def test_the_verdict_is_in_the_files_and_the_exit_code(
    tmp_path: Path, expected: list[Expectation], changes: dict[str, Any], code: int
) -> None:
    """Only on request: without --check a report that was read is a success."""
    report = with_verdict(made(**changes), expected)
    save_report(report, tmp_path)
    assert json.loads((tmp_path / "report.json").read_text())["claim_met"] is report.claim_met
    asked = CliRunner().invoke(command, ["report", str(tmp_path)])
    assert asked.exit_code == 0, asked.output
    checked = CliRunner().invoke(command, ["report", str(tmp_path), "--check"])
    assert checked.exit_code == code
    text = (tmp_path / "report.md").read_text()
    assert ("The claim holds" in text) == (report.claim_met is True)
    assert expected[0].figure in text


def test_reports_of_before_are_read(tmp_path: Path) -> None:
    """They have no verdict, and --check does not take that for one."""
    save_report(made(), tmp_path)
    file = tmp_path / "report.json"
    old = json.loads(file.read_text())
    for name in ("expectations", "claim_met", "rss_growth_ratio"):
        del old[name]
    file.write_text(json.dumps(old))
    assert load_report(tmp_path).claim_met is None
    assert CliRunner().invoke(command, ["report", str(tmp_path), "--check"]).exit_code == 1


def test_a_claim_without_figures_is_not_checked(tmp_path: Path) -> None:
    """It is refused before anything starts, since no run could answer."""
    file = tmp_path / "mine.yaml"
    file.write_text(SMALL)
    run = CliRunner().invoke(command, ["run", str(file), "--check", "--out", str(tmp_path)])
    assert run.exit_code == 2
    assert "expect: nothing by which --check" in run.output
