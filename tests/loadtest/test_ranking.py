"""The judge of orders: the protocol on lists made by hand, and the product's score on real ones."""

import gzip
import os
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from loadtest.ranking.__main__ import main, render_weights
from loadtest.ranking.archive import (
    BETWEEN_LOOKS_MS,
    COLUMN_NAMES,
    Archive,
    build_archive,
    find_looks,
    read_archive,
)
from loadtest.ranking.fit import Choices, fit_weights
from loadtest.ranking.judged import judge
from loadtest.ranking.measures import measure
from loadtest.ranking.new_pairs import FOR_EVER, MONTH_MS, find_months, measure_meetings
from loadtest.ranking.report import RankingReport, compare_orders
from loadtest.ranking.unanswered import measure_unanswered
from services.ranking import weights
from services.ranking.weights import MEETING

DATA = Path(os.environ.get("MINGLE_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))
LISTS = DATA / "mailing_lists"
needs_lists = pytest.mark.skipif(
    not LISTS.exists(), reason="the mailing lists are not at ../shared/data/mailing_lists"
)

HOUR, DAY = 3_600, 86_400
LOOK = 1_000 * DAY + 7 * HOUR
ALICE, BOB, CAROL = 1, 2, 3
OLD = 500 * DAY
"""When alice wrote the posts by which she counts."""


def made_list(*posts: tuple[int, int, int, int]) -> Archive:
    """Build a list in which alice wrote thirty posts long ago, besides (id, author, time, parent).

    Bob begins twelve threads, 1 to 12, one an hour until the look.
    """
    before = [(100 + number, ALICE, OLD + number, 0) for number in range(30)]
    threads = [(number, BOB, LOOK - (13 - number) * HOUR, 0) for number in range(1, 13)]
    return build_archive([*before, *threads, *posts])


def rows_of_look(archive: Archive, hours: int = 72) -> tuple[list[int], list[int]]:
    """Return how old the candidates and the answered posts of the only look are, in hours."""
    (look,) = find_looks(archive, hours)
    assert (look.at, look.viewer) == (LOOK * 1_000, ALICE)
    ages = (look.at - archive.at[look.candidates]) // 3_600_000
    return ages.tolist(), ages[look.relevant].tolist()


def test_a_look_has_what_others_wrote_before_and_what_is_answered_after() -> None:
    """Alice answers the thread of three hours ago; another answer comes after her next look."""
    archive = made_list((50, ALICE, LOOK + HOUR, 10), (51, ALICE, LOOK + 13 * HOUR, 9))
    candidates, relevant = rows_of_look(
        archive._replace(answers_by={ALICE: archive.answers_by[ALICE][:1]})
    )
    assert candidates == list(range(12, 0, -1))
    assert relevant == [3]
    assert [look.at for look in find_looks(archive, 72)] == [
        LOOK * 1_000,
        LOOK * 1_000 + BETWEEN_LOOKS_MS,
    ]


def test_what_was_answered_before_is_no_candidate() -> None:
    """Alice answered one thread before the look and answers it again, and another, after it."""
    archive = made_list(
        (50, ALICE, LOOK - 60, 12), (51, ALICE, LOOK + 60, 12), (52, ALICE, LOOK + 120, 1)
    )
    assert rows_of_look(archive) == (list(range(12, 1, -1)), [12])


def test_candidates_are_as_old_as_is_asked_for() -> None:
    """With eleven hours the oldest thread is none, and with nine there are too few."""
    archive = made_list((50, ALICE, LOOK + 60, 12))
    assert rows_of_look(archive, hours=11)[0] == list(range(11, 0, -1))
    assert find_looks(archive, 9) == []


def test_who_wrote_little_does_not_count() -> None:
    """Carol answers too, and has written nothing else."""
    archive = made_list((50, CAROL, LOOK + 60, 12))
    assert find_looks(archive, 72) == []


def test_the_figures_of_newest_first_are_those_computed_by_hand() -> None:
    """Alice answers the 3rd and the 12th newest: 1/3 is the first, 1/12 the one of twelve hours."""
    archive = made_list((50, ALICE, LOOK + HOUR, 10), (51, ALICE, LOOK + HOUR, 1))
    judged = judge(archive, find_looks(archive, 72))
    figures = measure(judged, np.zeros(12))
    assert figures.mrr == figures.low == figures.high == pytest.approx(1 / 3)
    assert figures.recall == 0.5
    by_age = list(figures.mrr_by_age.values())
    assert by_age == pytest.approx([np.nan, 1 / 3, np.nan, 1 / 12], nan_ok=True)


def test_a_thread_is_as_large_as_it_was_at_the_look() -> None:
    """Carol's answer a minute before counts, and alice's after the look does not."""
    archive = made_list((50, CAROL, LOOK - 60, 12), (51, ALICE, LOOK + HOUR, 12))
    judged = judge(archive, find_looks(archive, 72))
    assert judged.thread_size.tolist() == [1] * 11 + [2, 2]


def test_broadcasts_are_counted_as_the_product_folds_them() -> None:
    """Bob's twelve threads stand behind one of them, carol's behind none."""
    archive = made_list((40, CAROL, LOOK - 60, 0), (50, ALICE, LOOK + HOUR, 1))
    folded = judge(archive, find_looks(archive, 72)).folded
    assert folded.sum() == 11
    assert not folded[-1]


def test_rows_may_come_in_any_order_and_parents_be_unknown() -> None:
    """A parent that is missing or not older makes no answer."""
    archive = build_archive([(3, BOB, 30, 9), (1, BOB, 10, 2), (2, CAROL, 20, 1)])
    assert archive.at.tolist() == [10_000, 20_000, 30_000]
    assert archive.parent.tolist() == [-1, 0, -1]
    assert archive.root.tolist() == [0, 0, 2]


def test_a_fit_finds_the_weights_that_answers_were_drawn_with() -> None:
    """Of 20,000 choices among four, drawn by a weight of 1.5 and one of -0.5."""
    chance = np.random.default_rng(1)
    features = chance.normal(size=(80_000, 2))
    odds = features @ [1.5, -0.5] + chance.gumbel(size=80_000)
    chosen = odds.reshape(-1, 4) == odds.reshape(-1, 4).max(axis=1, keepdims=True)
    looks = np.zeros(20_000, np.int64)
    problem = Choices(features, chosen.ravel(), looks + 4, looks)
    assert fit_weights([problem]) == pytest.approx([1.5, -0.5], abs=0.05)


def test_unanswered_holds_replies_until_an_answer_below() -> None:
    """Bob and carol answer alice; she answers bob the next day, and carol never."""
    archive = made_list(
        (50, BOB, LOOK - 120, 129),
        (51, CAROL, LOOK - 60, 129),
        (52, ALICE, LOOK + HOUR, 50),
        (53, ALICE, LOOK + 2 * HOUR, 1),
        (60, BOB, LOOK + 30 * DAY, 0),
    )
    figures = measure_unanswered(archive, OLD * 1_000)
    assert figures == (2, 0.5, 1.0, 2, 0.5)


def test_what_was_settled_before_the_look_was_not_in_the_list() -> None:
    """Alice answers within the hour: at her next look nothing waits, and nothing is measured."""
    archive = made_list(
        (50, BOB, LOOK + 60, 129), (51, ALICE, LOOK + 120, 50), (60, BOB, LOOK + 30 * DAY, 0)
    )
    assert measure_unanswered(archive, OLD * 1_000)[3] == 0


def test_a_pair_is_met_when_both_answer_in_one_month_for_the_first_time() -> None:
    """Bob has answered alice before; in the next month both answer, and carol answers nobody."""
    begin = LOOK
    archive = made_list(
        (50, BOB, begin - DAY, 129),
        (51, CAROL, begin - DAY, 0),
        (52, ALICE, begin + DAY, 1),
        (53, BOB, begin + 2 * DAY, 52),
        (60, BOB, begin + 40 * DAY, 0),
    )
    (month,) = find_months(archive, begin * 1_000, begin * 1_000 + 1)
    assert month.met.tolist() == [True, False]
    assert month.missed == 0
    assert month.posts_last_month.tolist() == [13, 1]
    assert measure_meetings([month], MEETING)[1:] == (1,) * 6
    assert find_months(archive, begin * 1_000 + MONTH_MS, FOR_EVER) == []


def test_who_talked_before_or_writes_for_the_first_time_cannot_be_met() -> None:
    """Alice and bob answered each other before; carol's first post is within the month."""
    begin = LOOK
    archive = made_list(
        (50, BOB, begin - 2 * DAY, 129),
        (51, ALICE, begin - DAY, 50),
        (52, BOB, begin + DAY, 51),
        (53, ALICE, begin + 2 * DAY, 52),
        (54, CAROL, begin + 2 * DAY, 53),
        (55, ALICE, begin + 3 * DAY, 54),
        (60, BOB, begin + 40 * DAY, 0),
    )
    (month,) = find_months(archive, begin * 1_000, begin * 1_000 + 1)
    assert (len(month.met), month.missed) == (0, 1)
    assert measure_meetings([month], MEETING).possible == 0


def test_who_is_not_around_the_viewer_is_not_suggested() -> None:
    """Carol is met out of nowhere: an order of everybody names her, conversants may not."""
    begin = LOOK
    archive = made_list(
        (50, CAROL, begin - DAY, 0),
        (51, ALICE, begin + DAY, 50),
        (52, CAROL, begin + 2 * DAY, 51),
        (60, BOB, begin + 40 * DAY, 0),
    )
    (month,) = find_months(archive, begin * 1_000, begin * 1_000 + 1)
    figures = measure_meetings([month], MEETING)
    assert (figures.score, figures.possible) == (1, 1)
    assert (figures.suggested, figures.reachable) == (0, 0)


def test_whom_a_partner_answers_is_suggested() -> None:
    """Alice talks with bob, who answered carol; a reply that carol wrote to him is no reason."""
    begin = LOOK
    talk = ((50, BOB, begin - 9 * DAY, 129), (51, ALICE, begin - 8 * DAY, 50))
    met = ((60, ALICE, begin + DAY, 52), (61, CAROL, begin + 2 * DAY, 60))
    called = (52, CAROL, begin - 2 * DAY, 50)
    for last, share in (((53, BOB, begin - DAY, 52), 1), ((53, BOB, begin - DAY, 0), 0)):
        archive = made_list(*talk, called, last, *met, (70, BOB, begin + 40 * DAY, 0))
        (month,) = find_months(archive, begin * 1_000, begin * 1_000 + 1)
        assert measure_meetings([month], MEETING).suggested == share


def write_archive(path: Path, header: str, *lines: str) -> str:
    with gzip.open(path, "wt") as file:
        file.write("\n".join([header, *lines, ""]))
    return str(path)


@pytest.mark.parametrize(
    ("header", "line", "named"),
    [("post_id,user_id,ts", "1,1,1", "parent_id"), (",".join(COLUMN_NAMES), "1,x,1,", "'x'")],
)
def test_a_file_that_is_no_archive_is_refused(
    tmp_path: Path, header: str, line: str, named: str
) -> None:
    """With what was expected of it."""
    file = write_archive(tmp_path / "list.csv.gz", header, line)
    result = CliRunner().invoke(main, [file])
    assert result.exit_code == 2
    assert "gzip CSV" in result.output
    assert named in result.output


def test_either_a_file_or_the_fit() -> None:
    """Neither is wrong use."""
    assert CliRunner().invoke(main, []).exit_code == 2


def test_an_archive_without_looks_has_no_figures(tmp_path: Path) -> None:
    """And says so in numbers that JSON has."""
    file = write_archive(tmp_path / "list.csv.gz", ",".join(COLUMN_NAMES), "1,1,1,")
    result = CliRunner().invoke(main, [file, "--json"])
    assert result.exit_code == 0, result.output
    assert '"looks": 0' in result.output
    assert '"precision": null' in result.output
    assert CliRunner().invoke(main, [file]).exit_code == 0


@needs_lists
def test_the_orders_reach_their_targets_on_a_real_list() -> None:
    """On the part of r-sig-geo that no weight was fitted on, with the figures of the issue."""
    assert_targets(compare_orders(read_archive(LISTS / "r-sig-geo.csv.gz"), 72), newest=0.526)


@needs_lists
@pytest.mark.proof
@pytest.mark.timeout(1_200)
def test_the_orders_reach_their_targets_on_the_larger_list() -> None:
    """Likewise on r-devel."""
    assert_targets(compare_orders(read_archive(LISTS / "r-devel.csv.gz"), 72), newest=0.500)


def assert_targets(report: RankingReport, newest: float) -> None:
    base, signal = report.orders["newest first"], report.orders["signal"]
    own = report.orders["signal's terms, fitted on this list"]
    assert base.mrr == pytest.approx(newest, abs=0.001)
    assert signal.mrr > 1.15 * base.mrr
    assert signal.mrr > 2.2 * report.orders["thread size"].mrr
    assert signal.mrr > 0.95 * own.mrr
    late, catch_up = "12_h_and_over", report.orders["catch-up"]
    assert signal.mrr_by_age[late] > 1.6 * base.mrr_by_age[late]
    assert catch_up.mrr_by_age[late] > 1.9 * base.mrr_by_age[late]
    assert report.unanswered.held_of_replies > 0.95
    assert report.meetings.score > 1.15 * report.meetings.most_active
    assert report.meetings.score > 1.5 * report.meetings.people_in_common


@needs_lists
@pytest.mark.proof
@pytest.mark.timeout(1_200)
def test_the_weights_are_those_that_the_fit_prints() -> None:
    """`python -m loadtest.ranking --fit` writes them again."""
    source = Path(str(weights.__file__)).read_text()
    assert source.endswith(f"\n{render_weights(LISTS)}")
