"""Compare orders on an archive, and print what they reach."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from loadtest.ranking.archive import Archive
from loadtest.ranking.fit_lists import boundary_of, fit_orders, split_looks
from loadtest.ranking.judged import JudgedLooks
from loadtest.ranking.measures import AGES, OrderFigures, measure
from loadtest.ranking.new_pairs import FOR_EVER, MeetingFigures, find_months, measure_meetings
from loadtest.ranking.unanswered import UnansweredFigures, mean_of, measure_unanswered
from services.ranking.features import COLUMNS
from services.ranking.score import compute_scores
from services.ranking.weights import CATCH_UP, MEETING, SIGNAL
from services.ranking.window import Floats


class RankingReport(NamedTuple):
    """Figures of an archive's later part."""

    hours: int
    looks: int
    people: int
    candidates: int
    orders: dict[str, OrderFigures]
    folded: float
    folded_of_answered: float
    unanswered: UnansweredFigures
    meetings: MeetingFigures


def compare_orders(
    archive: Archive, hours: int, others: Sequence[JudgedLooks] = ()
) -> RankingReport:
    """Measure all orders; with other lists' looks also by the weights fitted on those alone."""
    earlier, later = split_looks(archive, hours)
    boundary = boundary_of(archive)
    weights: dict[str, Mapping[str, float]] = {"signal": SIGNAL, "catch-up": CATCH_UP}
    if len(earlier.viewer):
        weights |= _named(fit_orders([earlier]), "fitted on this list")
    if others:
        weights |= _named(fit_orders(others), "fitted on other lists")
    orders = _plain_orders(later) | {
        name: compute_scores(later.features, each) for name, each in weights.items()
    }
    return RankingReport(
        hours,
        len(later.viewer),
        len(np.unique(later.viewer)),
        len(later.look),
        {name: measure(later, scores) for name, scores in orders.items() if len(later.look)},
        mean_of(later.folded),
        mean_of(later.folded[later.relevant]),
        measure_unanswered(archive, boundary),
        measure_meetings(find_months(archive, boundary, FOR_EVER), MEETING),
    )


def as_json(report: RankingReport) -> dict[str, Any]:
    """Return the report with names; a mean of nothing is null."""
    orders = {name: figures._asdict() for name, figures in report.orders.items()}
    named = report._asdict() | {"orders": orders, "unanswered": report.unanswered._asdict()}
    named["meetings"] = report.meetings._asdict()
    return {name: _without_nan(value) for name, value in named.items()}


def as_markdown(report: RankingReport) -> str:
    """Return the report as tables."""
    ages = [name.replace("_", " ") for name in AGES]
    head = ["order", "MRR", "95 %", "recall at 10", *ages, "/ newest", "12 h / newest"]
    newest = next(iter(report.orders.values()), None)
    judged = f"{report.looks:,} looks of {report.people:,} people at {report.candidates:,}"
    lines = [
        f"{judged} candidates of the last {report.hours} h",
        "",
        _row(head),
        _row(["---"] * len(head)),
        *(_row(_cells(name, each, newest)) for name, each in report.orders.items() if newest),
        "",
        _row(["folded", "share"]),
        _row(["---", "---"]),
        _row(["of candidates", f"{report.folded:.4f}"]),
        _row(["of those that were answered", f"{report.folded_of_answered:.4f}"]),
        "",
        _row(["unanswered", "share"]),
        _row(["---", "---"]),
        _row([f"held, of {report.unanswered.answers:,} answers", f"{report.unanswered.held:.3f}"]),
        _row(["held, of answers to replies", f"{report.unanswered.held_of_replies:.3f}"]),
        _row(
            [
                f"precision, of {report.unanswered.entries:,} entries",
                f"{report.unanswered.precision:.3f}",
            ]
        ),
    ]
    meetings = report.meetings._asdict()
    months = meetings.pop("months")
    lines += ["", _row([f"met, of {months:,} months", "recall at 10"]), _row(["---", "---"])]
    lines += [_row([name.replace("_", " "), f"{share:.3f}"]) for name, share in meetings.items()]
    return "\n".join(lines)


def _plain_orders(looks: JudgedLooks) -> dict[str, Floats]:
    answers_viewer = looks.features[:, COLUMNS.index("answers_you")]
    return {
        "newest first": np.zeros(len(looks.look)),
        "what answers the viewer, then newest": answers_viewer,
        "thread size": looks.thread_size.astype(np.float64),
    }


def _named(orders: Mapping[str, Mapping[str, float]], how: str) -> dict[str, Mapping[str, float]]:
    return {
        f"signal's terms, {how}": orders["SIGNAL"],
        f"catch-up's terms, {how}": orders["CATCH_UP"],
    }


def _cells(name: str, figures: OrderFigures, newest: OrderFigures) -> list[str]:
    oldest = list(AGES)[-1]
    values = [f"{figures.mrr:.3f}", f"{figures.low:.3f} to {figures.high:.3f}"]
    values += [f"{value:.3f}" for value in (figures.recall, *figures.mrr_by_age.values())]
    values.append(f"{figures.mrr / newest.mrr:.2f}")
    values.append(f"{figures.mrr_by_age[oldest] / newest.mrr_by_age[oldest]:.2f}")
    return [name, *values]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nan(each) for name, each in value.items()}
    return None if isinstance(value, float) and np.isnan(value) else value
