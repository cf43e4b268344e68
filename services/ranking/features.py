"""Features of posts: what the log says of each, before anything is weighed.

Each is a function of the window, the viewer's own posts and the moment, so that a replay gives the
same. A feature is the sum of its terms, each of which has a weight.
"""

from typing import NamedTuple

import numpy as np

from schemas.ids import DAY_MS, IdArray
from services.ranking.window import NOBODY, Floats, OwnPosts, PostWindow

HOUR_MS = 3_600_000
HALF_LIFE_DAYS = 180
"""An answer so long ago counts half. From 30 to 365 days it makes no difference that matters."""
LATE = np.log1p(12.0)
"""From 12 hours on age counts more: whoever looks twice a day has seen the post before."""
USUAL_BEGINS = 0.5
USUAL_DELAY = 2.0
"""Habits of somebody of whom nothing is known: the share of answers that go to posts which begin
a conversation, and the mean of log(1 + hours) until an answer."""
HABIT_PRIOR = 10
"""How many answers of the usual kind are added to those of the viewer."""

TERMS: dict[str, tuple[str, ...]] = {
    "age": ("hours", "hours_over_12", "hours_by_habit"),
    "begins_thread": ("begins", "begins_by_habit"),
    "answers_you": ("answers_you",),
    "below_your_post": ("below_your_post",),
    "your_thread": ("your_thread",),
    "continues_itself": ("continues_itself",),
    "answered_already": ("answered_already",),
    "you_answer_author": ("answers_to_author",),
    "passed_over": ("own_posts_since",),
    "writes_much": ("posts_of_author",),
    "thread_went_on": ("later_in_thread",),
}
"""The features, and the terms that each sums up."""
COLUMNS = tuple(term for terms in TERMS.values() for term in terms)


class Habits(NamedTuple):
    """How a viewer answers: log odds that it is a beginning, and how much later than usual."""

    begins: float
    delay: float


def compute_features(
    window: PostWindow, rows: IdArray, own: OwnPosts, viewer: int, moment: int
) -> Floats:
    """Return a row of `COLUMNS` for each of these rows of the window, as of `moment` (ms)."""
    hours = np.log1p(np.maximum(moment - window.at[rows], 0) / HOUR_MS)
    author, parent_author = window.author[rows], window.parent_author[rows]
    begins = window.begins[rows]
    answers_you = parent_author == viewer
    below = (window.line[rows] == viewer).any(axis=1) & ~answers_you
    yours = np.isin(window.root[rows], own.root) & ~answers_you & ~below
    habits = habits_of(own)
    columns = {
        "hours": hours,
        "hours_over_12": np.maximum(hours - LATE, 0),
        "hours_by_habit": hours * habits.delay,
        "begins": begins,
        "begins_by_habit": begins * habits.begins,
        "answers_you": answers_you,
        "below_your_post": below,
        "your_thread": yours,
        "continues_itself": parent_author == author,
        "answered_already": window.answered[rows],
        "answers_to_author": np.log1p(answers_to(author, own, moment)),
        "own_posts_since": np.log1p(len(own.at) - np.searchsorted(own.at, window.at[rows])),
        "posts_of_author": np.log1p(_count(window.author, author)),
        "later_in_thread": np.log1p(_later_in_group(window.root)[rows]),
    }
    return np.stack([columns[name] for name in COLUMNS], axis=1).astype(np.float64)


def habits_of(own: OwnPosts) -> Habits:
    """Return how the author of these posts answers, drawn to the usual while they are few."""
    answers = own.whom != NOBODY
    count = np.count_nonzero(answers) + HABIT_PRIOR
    begun = np.count_nonzero(own.answered_begins[answers]) + HABIT_PRIOR * USUAL_BEGINS
    delays = np.log1p(np.maximum(own.at - own.answered_at, 0)[answers] / HOUR_MS)
    delay = (delays.sum() + HABIT_PRIOR * USUAL_DELAY) / count
    return Habits(float(np.log(begun / (count - begun))), float(delay - USUAL_DELAY))


def answers_to(authors: IdArray, own: OwnPosts, moment: int) -> Floats:
    """Return how often each of these authors was answered, decayed by the time of the answers."""
    whom, group = np.unique(own.whom, return_inverse=True)
    if not len(whom):
        return np.zeros(len(authors))
    decayed = np.exp2(-np.maximum(moment - own.at, 0) / (HALF_LIFE_DAYS * DAY_MS))
    sums = np.bincount(group, weights=decayed)
    at = np.minimum(np.searchsorted(whom, authors), len(whom) - 1)
    return np.where(whom[at] == authors, sums[at], 0.0)


def _count(values: IdArray, wanted: IdArray) -> IdArray:
    in_order = np.sort(values)
    return np.searchsorted(in_order, wanted, "right") - np.searchsorted(in_order, wanted)


def _later_in_group(groups: IdArray) -> IdArray:
    """Return how many later rows have the same value."""
    by_group = np.argsort(groups, kind="stable")
    in_order = groups[by_group]
    later = np.empty(len(groups), np.int64)
    later[by_group] = np.searchsorted(in_order, in_order, "right") - np.arange(len(groups)) - 1
    return later
