"""Judge the list of what waits for somebody's answer (rule 26).

The archives know no mentions, so the list is: direct replies to somebody's posts, as long as they
have no post below.
"""

from typing import NamedTuple

import numpy as np

from loadtest.ranking.archive import (
    BETWEEN_LOOKS_MS,
    FIRST_LOOK_MS,
    MIN_POSTS,
    Archive,
)
from schemas.ids import DAY_MS, IdArray
from services.ranking.window import Flags

WEEK_MS = 7 * DAY_MS
MAX_DEPTH = 64
NEVER = np.iinfo(np.int64).max


class UnansweredFigures(NamedTuple):
    """Shares over people who wrote enough.

    `held`: of what they answered within a week, and that was there when they looked before, what
    the list held. `held_of_replies`: of the replies to themselves among it. `precision`: of what
    the list held at the first look, what they answered within a week of it being written.
    """

    answers: int
    held: float
    held_of_replies: float
    entries: int
    precision: float


def measure_unanswered(archive: Archive, since: int) -> UnansweredFigures:
    """Return the figures of posts from `since` (ms) on."""
    settled_at = _first_own_post_below(archive)
    rows = np.arange(len(archive.at))
    is_reply = (archive.parent_author >= 0) & (archive.parent_author != archive.author)
    writes = np.array([len(archive.posts_by[int(author)]) for author in archive.author])

    answers = rows[is_reply & (writes >= MIN_POSTS) & (archive.at >= since)]
    answered = archive.parent[answers]
    look = _look_before(archive.at[answers])
    counts = (archive.at[answered] < look) & (archive.at[answers] - archive.at[answered] <= WEEK_MS)
    answers, answered, look = answers[counts], answered[counts], look[counts]
    to_them = archive.parent_author[answered] == archive.author[answers]
    held = to_them & (settled_at[answered] >= look)

    addressed = np.where(is_reply, archive.parent_author, -1)
    waits = (addressed >= 0) & (archive.at >= since) & (archive.at <= archive.at[-1] - WEEK_MS)
    waiting = rows[waits]
    posts = np.array([len(archive.posts_by[int(person)]) for person in addressed[waiting]])
    waiting = waiting[posts >= MIN_POSTS]
    first_look = _look_before(archive.at[waiting]) + BETWEEN_LOOKS_MS
    waiting = waiting[settled_at[waiting] >= first_look]
    settled = settled_at[waiting] - archive.at[waiting] <= WEEK_MS
    return UnansweredFigures(
        len(answers), mean_of(held), mean_of(held[to_them]), len(waiting), mean_of(settled)
    )


def _first_own_post_below(archive: Archive) -> IdArray:
    """Return when whom a post answers first wrote below it."""
    first = np.full(len(archive.at), NEVER)
    above = archive.parent.copy()
    for _ in range(MAX_DEPTH):
        below = np.flatnonzero(above >= 0)
        if not len(below):
            break
        own = below[archive.parent_author[above[below]] == archive.author[below]]
        np.minimum.at(first, above[own], archive.at[own])
        above[below] = archive.parent[above[below]]
    return first


def _look_before(moments: IdArray) -> IdArray:
    return (moments - FIRST_LOOK_MS) // BETWEEN_LOOKS_MS * BETWEEN_LOOKS_MS + FIRST_LOOK_MS


def mean_of(flags: Flags) -> float:
    """Return the share that is true; NaN of nothing."""
    return float(flags.mean()) if len(flags) else float("nan")
