"""Judge who is worth meeting (rule 30), by who begins to answer each other in the next month."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from loadtest.ranking.archive import MIN_POSTS, Archive, Rows, rows_by
from loadtest.ranking.fit import Choices
from schemas.ids import DAY_MS, IdArray
from services.ranking.conversants import (
    MEETING_TERMS,
    REACH_MS,
    RepliesBetween,
    decay,
    find_acquaintance,
    meeting_features,
    meeting_scores,
    talking_with,
)
from services.ranking.score import best_first
from services.ranking.window import Flags, Floats
from services.readers.conversants import MAX_NEAR, MAX_OF_PARTNER, MAX_PARTNERS

MONTH_MS = 30 * DAY_MS
FOR_EVER = 2**62
"""Later than any post."""
FIRST = 10
"""People that are named."""


class Month(NamedTuple):
    """A viewer at the beginning of a month, and the people who might be met, a row each.

    `missed` counts who was met without having written lately: nobody could name them. `connected`
    are those whom conversants look at, and `seen` the features by what these look at.
    """

    at: int
    features: Floats
    posts_last_month: IdArray
    met: Flags
    missed: int
    connected: Flags
    seen: Floats


class MeetingFigures(NamedTuple):
    """Shares of the new pairs that are among the first ten; `possible` is the most there is.

    `suggested` names only those whom conversants may suggest, and `reachable` is the most that
    could be reached so.
    """

    months: int
    suggested: float
    reachable: float
    score: float
    most_active: float
    people_in_common: float
    possible: float


class PairHistory:
    """The replies of an archive, and when each pair began to answer each other."""

    def __init__(self, archive: Archive) -> None:
        rows = np.flatnonzero((archive.parent >= 0) & (archive.parent_author != archive.author))
        self.replies = RepliesBetween(
            archive.at[rows], archive.author[rows], archive.parent_author[rows]
        )
        self.answers_to = rows_by(archive.parent_author, rows)
        first: dict[tuple[int, int], int] = {}
        for at, author, whom in zip(*(x.tolist() for x in self.replies), strict=True):
            first.setdefault((author, whom), at)
        self.mutual_since = {
            pair: max(at, first[pair[::-1]]) for pair, at in first.items() if pair[::-1] in first
        }

    def met_in(self, begin: int) -> dict[int, set[int]]:
        """Return whom each person meets in a month: both answer the other, which is new."""
        month = span_of(self.replies.at, begin, begin + MONTH_MS)
        pairs = set(
            zip(self.replies.author[month].tolist(), self.replies.whom[month].tolist(), strict=True)
        )
        met: dict[int, set[int]] = {}
        for viewer, other in pairs:
            if (other, viewer) in pairs and self.mutual_since[viewer, other] >= begin:
                met.setdefault(viewer, set()).add(other)
        return met


def find_months(archive: Archive, since: int, until: int) -> list[Month]:
    """Return the months that begin in [since, until), of people who write and meet somebody."""
    if not len(archive.at):
        return []
    history = PairHistory(archive)
    last = min(until, int(archive.at[-1]) - MONTH_MS + 1)
    return [
        month
        for begin in range(since, last, MONTH_MS)
        for month in _months_at(archive, history, begin)
    ]


def measure_meetings(months: Sequence[Month], weights: Mapping[str, float]) -> MeetingFigures:
    """Return how many of those who were met each order names first."""
    common = MEETING_TERMS.index("people_in_common")
    return MeetingFigures(
        len(months),
        _recall([(m, _among(m.connected, meeting_scores(m.seen, weights))) for m in months]),
        _recall([(m, _among(m.connected, m.met.astype(float))) for m in months]),
        _recall([(month, meeting_scores(month.features, weights)) for month in months]),
        _recall([(month, month.posts_last_month.astype(float)) for month in months]),
        _recall([(month, month.features[:, common]) for month in months]),
        _recall([(month, month.met.astype(float)) for month in months]),
    )


def choices_of(months: Sequence[Month]) -> Choices:
    """Return the months of which something can be learnt, as a problem to fit."""
    some = [month for month in months if month.met.any()]
    return Choices(
        np.concatenate([month.features for month in some]),
        np.concatenate([month.met for month in some]),
        np.array([len(month.met) for month in some]),
        np.array([month.at for month in some]),
    )


def _months_at(archive: Archive, history: PairHistory, begin: int) -> list[Month]:
    lately = span_of(archive.at, begin - REACH_MS, begin)
    people, row = np.unique(archive.author[lately], return_inverse=True)
    activity = np.bincount(row, decay(archive.at[lately], begin), len(people))
    is_last_month = archive.at[lately] >= begin - MONTH_MS
    posts = np.bincount(row[is_last_month], minlength=len(people))
    recent = span_of(history.replies.at, begin - REACH_MS, begin)
    replies = RepliesBetween(*(column[recent] for column in history.replies))
    months = []
    for viewer, met in sorted(history.met_in(begin).items()):
        written = archive.posts_by[viewer]
        if len(written) < MIN_POSTS or archive.at[written[0]] >= begin:
            continue
        strangers = np.array([
            person != viewer and history.mutual_since.get((viewer, person), begin) >= begin
            for person in people.tolist()
        ], bool)  # fmt: skip
        known = find_acquaintance(replies, viewer, begin)
        features = meeting_features(known, people[strangers], activity[strangers])
        is_met = np.isin(people[strangers], list(met))
        around = find_acquaintance(look_around(archive, history, viewer, begin), viewer, begin)
        connected = around.people[around.you_answered + around.answered_you + around.in_common > 0]
        months.append(
            Month(
                begin,
                features,
                posts[strangers],
                is_met,
                len(met) - int(is_met.sum()),
                np.isin(people[strangers], connected),
                meeting_features(around, people[strangers], activity[strangers]),
            )
        )
    return months


def look_around(archive: Archive, history: PairHistory, viewer: int, begin: int) -> RepliesBetween:
    """Return the replies that the reader of conversants would find for a viewer at a moment."""
    near = np.concatenate([
        _newest(archive, archive.posts_by, viewer, begin, MAX_NEAR),
        _newest(archive, history.answers_to, viewer, begin, MAX_NEAR),
    ])  # fmt: skip
    replies = _replies_among(archive, near)
    partners = talking_with(find_acquaintance(replies, viewer, begin))[0][:MAX_PARTNERS]
    theirs = [
        _newest(archive, archive.posts_by, partner, begin, MAX_OF_PARTNER)
        for partner in partners.tolist()
    ]
    return _replies_among(archive, np.unique(np.concatenate([near, *theirs])))


def _newest(
    archive: Archive, rows_of: Mapping[int, Rows], person: int, begin: int, limit: int
) -> Rows:
    rows = rows_of.get(person, np.empty(0, np.intp))
    low, high = np.searchsorted(archive.at[rows], (begin - REACH_MS, begin))
    return rows[low:high][-limit:]


def _replies_among(archive: Archive, rows: Rows) -> RepliesBetween:
    is_reply = (archive.parent[rows] >= 0) & (archive.parent_author[rows] != archive.author[rows])
    some = rows[is_reply]
    return RepliesBetween(archive.at[some], archive.author[some], archive.parent_author[some])


def _among(connected: Flags, scores: Floats) -> Floats:
    """Return the scores, those of people who are not suggested below all others."""
    return np.where(connected, scores, -np.inf)


def _recall(orders: Sequence[tuple[Month, Floats]]) -> float:
    shares = [
        (month.met & (scores > -np.inf))[best_first(scores)[:FIRST]].sum()
        / (month.met.sum() + month.missed)
        for month, scores in orders
    ]
    return float(np.mean(shares)) if shares else float("nan")


def span_of(at: IdArray, begin: int, end: int) -> slice:
    """Return the rows of the times in [begin, end); they are in order."""
    low, high = np.searchsorted(at, (begin, end))
    return slice(int(low), int(high))
