"""The report: its file, its text, its charts, and its comparison with another one."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import msgspec
import pytest

from loadtest import comparison, markdown, report
from loadtest.charts import draw_charts, entries_per_second, rows_per_request
from loadtest.markdown import format_number, headline
from loadtest.report import Outage, PhaseResult, Repetition, Report, Series
from loadtest.svg import Line, bar_chart, line_chart, short_number

FIGURES = {"p50": 0.05, "p90": 0.1, "p99": 0.3, "p999": 0.5, "max": 0.9, "count": 100}
LATENCY = {**FIGURES, "by_group": {"small": FIGURES}, "by_lane": {"push": FIGURES}}
BURST = Repetition(
    posts=100,
    deliveries=1_000,
    seconds=2.0,
    per_second=500.0,
    cpu_seconds={"worker": 0.002, "kafka": None},
    rows_per_request=250.0,
    store_limit_per_second=600.0,
)
PHASE = PhaseResult(
    kind="maximum",
    of="small",
    workers=1,
    began=0.0,
    ended=2.0,
    posts=100,
    deliveries=1_000,
    posts_per_second=50.0,
    deliveries_per_second=500.0,
    lag_seconds_max=1.5,
    delivery_latency_seconds=LATENCY,
    read_latency_seconds=FIGURES,
    repetitions=[BURST],
    outage=Outage(
        away_seconds=600,
        posts_waiting=12_000,
        drain_seconds=100,
        drained_posts_per_second=140,
        ratio_to_live_rate=7,
    ),
)
GRAPH = {
    "users": 1_000,
    "groups": {"small": {"authors": 10, "followers_mean": 75.0, "followers_max": 200}},
}
MACHINE = {"cores": 2, "memory_bytes": 2**34, "load_before": 0.1, "versions": {"python": "3.11"}}


def made(**changes: Any) -> Report:
    given: dict[str, Any] = {
        "scenario": "small-village",
        "claim": "It is <fast> & right.",
        "scale": 1.0,
        "seed": 1,
        "began_at": "2026-01-01T00:00:00+00:00",
        "machine": MACHINE,
        "graph": GRAPH,
        "deliveries": 1_000,
        "seconds": 2.0,
        "deliveries_per_second": 500.0,
        "store_limit_per_second": 600.0,
        "ratio_to_store_limit": 0.833,
        "naive_per_second": 20.0,
        "ratio_to_naive": 25.0,
        "per_user_layout_per_second": 250.0,
        "ratio_to_per_user_layout": 2.0,
        "redis_per_second": None,
        "ratio_to_redis": None,
        "delivery_latency_seconds": LATENCY,
        "read_latency_seconds": FIGURES,
        "lag_seconds_max": 1.5,
        "lost": 0,
        "extra": 0,
        "entries_checked": 1_100,
        "homes_checked": 50,
        "homes_wrong": 0,
        "dead_letters": 0,
        "cpu_seconds": {"worker": 0.002, "kafka": None},
        "cpu_microseconds_per_delivery": {"worker": 2.0, "kafka": None},
        "rss_max_bytes": 100 * 2**20,
        "rows_per_request": 250.0,
        "rows_per_partition": FIGURES,
        "phases": [PHASE],
        "series": Series(
            at=[0.0, 0.5, 1.0],
            entries=[0, 500, 1_000],
            lag_seconds=[0, 1.5, 0],
            requests=[0, 2, 4],
            rss_bytes=[2**20] * 3,
        ),
        "notes": ["Measured beside others."],
    }
    return Report(**(given | changes))


def test_the_file_has_the_promised_names(tmp_path: Path) -> None:
    """It has every promised name, and loads as it was saved."""
    report.save_report(made(), tmp_path)
    told = json.loads((tmp_path / "report.json").read_text())
    promised = (
        "scenario machine deliveries seconds deliveries_per_second store_limit_per_second "
        "ratio_to_store_limit naive_per_second ratio_to_naive per_user_layout_per_second "
        "delivery_latency_seconds read_latency_seconds lag_seconds_max lost extra cpu_seconds "
        "rss_max_bytes"
    )
    assert set(promised.split()) <= told.keys()
    assert {"p50", "p90", "p99", "p999", "max"} <= told["read_latency_seconds"].keys()
    assert report.load_report(tmp_path) == made()


def test_a_folder_without_a_report_says_so(tmp_path: Path) -> None:
    """One with half a report says what is missing."""
    with pytest.raises(report.NoReport, match="No such file"):
        report.load_report(tmp_path)
    (tmp_path / report.FILE).write_text('{"scenario": "x"}')
    with pytest.raises(report.NoReport, match="claim"):
        report.load_report(tmp_path)


def test_the_markdown_shows_every_chart_and_each_is_svg(tmp_path: Path) -> None:
    """SVG that a parser accepts, with the claim's angle brackets."""
    markdown.write_markdown(made(), tmp_path)
    text = (tmp_path / "report.md").read_text()
    for name in draw_charts(made()):
        assert f"({name})" in text
        ET.fromstring((tmp_path / name).read_text())
    assert "7 times the live rate" in text
    assert "0.833" in text
    assert "not measured" in text  # Redis


@pytest.mark.parametrize("wrong", ["lost", "extra", "homes_wrong", "dead_letters"])
def test_a_run_that_lost_something_says_so_first(wrong: str) -> None:
    """Lost, extra, shown wrongly, or dead."""
    assert made().is_correct
    bad = made(**{wrong: 3})
    assert not bad.is_correct
    assert "NOT everything is right" in markdown.render_markdown(bad)


def test_rates_are_differences() -> None:
    """From the counts of two samples."""
    assert entries_per_second(made().series) == [(0.5, 1_000), (1.0, 1_000)]
    assert rows_per_request(made().series) == [(0.5, 250), (1.0, 250)]


def test_what_was_not_measured_has_no_picture() -> None:
    """A chart without values does not fail either."""
    bare = made(
        delivery_latency_seconds=None,
        read_latency_seconds=None,
        cpu_microseconds_per_delivery={},
        series=Series(at=[], entries=[], lag_seconds=[], requests=[], rss_bytes=[]),
    )
    assert not {"latency.svg", "cpu.svg"} & draw_charts(bare).keys()
    assert "Not measured." in markdown.render_markdown(bare)
    ET.fromstring(line_chart("nothing", [], log=True))
    ET.fromstring(bar_chart("nothing", {}, "/s"))


def test_lines_stay_inside_their_picture() -> None:
    """Whatever the values, including zero on a logarithmic axis."""
    for log in (False, True):
        for line in ([(0, 0), (1, 0)], [(0, 1e-9), (7, 3e9)], [(0, 0.37)]):
            drawn = ET.fromstring(line_chart("t", [Line("a", line)], log=log))
            [points] = [each for each in drawn if each.tag.endswith("polyline")]
            for point in points.attrib["points"].split():
                x, y = map(float, point.split(","))
                assert 70 <= x <= 700
                assert 34 <= y <= 226


def test_two_reports_stand_side_by_side() -> None:
    """With the change of numbers, and a warning when the runs differ."""
    faster = made(deliveries_per_second=600.0, seed=2)
    found = {row.figure: row for row in comparison.compare_reports(made(), faster)}
    assert found["deliveries/s"] == ("deliveries/s", "500", "600", "+20%")
    assert found["Redis/s"].change == ""
    assert found.keys() == headline(made()).keys()
    assert comparison.comparison_caveat(made(), made()) is None
    assert "seed" in (comparison.comparison_caveat(made(), faster) or "")


def test_figures_are_short() -> None:
    """Such a measurement is good for three digits."""
    assert [short_number(each) for each in (0.1234, 12.34, 1_234, 123_456, 1.5e6)] == [
        "0.123", "12.3", "1.23k", "123k", "1.5M",
    ]  # fmt: skip
    assert [format_number(each) for each in (None, 0.8333, 1_234.5)] == [
        "not measured",
        "0.833",
        "1,234",
    ]


def test_a_report_is_json_for_machines() -> None:
    """No figure is infinite or NaN, which JSON cannot express."""
    assert msgspec.json.decode(msgspec.json.encode(made()), type=Report) == made()
