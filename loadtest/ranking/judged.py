"""Looks as the product sees them: the features of their candidates, and what was answered."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from loadtest.ranking.archive import Archive, Look, Rows
from schemas.ids import IdArray
from services.ranking.damping import NO_WORDS, fold_damped
from services.ranking.features import COLUMNS, compute_features
from services.ranking.score import compute_scores
from services.ranking.weights import SIGNAL
from services.ranking.window import MAX_OWN_POSTS, Flags, Floats, OwnPosts, PostWindow


class JudgedLooks(NamedTuple):
    """Looks, one behind the other: a row for each candidate, `look` is the number of its look."""

    features: Floats
    look: Rows
    viewer: IdArray
    moment: IdArray
    """Viewer and moment are those of each look, not of each row."""
    sizes: Rows
    starts: Rows
    age: IdArray
    """Milliseconds at the look."""
    thread_size: IdArray
    relevant: Flags
    folded: Flags
    """Posts that the product folds behind another one of their author."""


def judge(archive: Archive, looks: Sequence[Look]) -> JudgedLooks:
    """Compute the features of all candidates of some looks, with the product's own code."""
    sizes = np.array([len(look.candidates) for look in looks], np.intp)
    candidates = np.concatenate([look.candidates for look in looks] or [np.zeros(0, np.intp)])
    at = np.repeat([look.at for look in looks], sizes)
    seen = [_see(archive, look) for look in looks]
    return JudgedLooks(
        np.concatenate([features for features, _ in seen] or [np.zeros((0, len(COLUMNS)))]),
        np.repeat(np.arange(len(looks)), sizes),
        np.array([look.viewer for look in looks], np.int64),
        np.array([look.at for look in looks], np.int64),
        sizes,
        np.cumsum(sizes) - sizes,
        at - archive.at[candidates],
        _thread_sizes(archive, candidates, at),
        np.concatenate([look.relevant for look in looks] or [np.zeros(0, bool)]),
        np.concatenate([folded for _, folded in seen] or [np.zeros(0, bool)]),
    )


def _see(archive: Archive, look: Look) -> tuple[Floats, Flags]:
    """Compute the features of the candidates of a look, and which of them are folded.

    Archives have no words, so nothing is known to be said again.
    """
    low, high = look.candidates[0], np.searchsorted(archive.at, look.at)
    window = slice(low, high)
    answers = np.arange(low, high)[
        (archive.parent[window] >= low) & (archive.author[window] != archive.parent_author[window])
    ]
    answered = np.zeros(high - low, bool)
    answered[archive.parent[answers] - low] = True
    posts = PostWindow(
        archive.at[window],
        archive.author[window],
        archive.parent[window] < 0,
        archive.parent_author[window],
        archive.line[window],
        archive.root[window],
        answered,
    )
    rows = look.candidates - low
    features = compute_features(posts, rows, own_posts(archive, look), look.viewer, look.at)
    wordings = np.full((len(rows), 1), NO_WORDS)
    scores = compute_scores(features, SIGNAL)
    shown_by = fold_damped(posts, rows, look.viewer, scores, wordings)
    return features, shown_by != np.arange(len(rows))


def own_posts(archive: Archive, look: Look) -> OwnPosts:
    """Return the latest posts that the viewer wrote before a look."""
    rows = archive.posts_by[look.viewer]
    latest = rows[: np.searchsorted(archive.at[rows], look.at)][-MAX_OWN_POSTS:]
    parent = archive.parent[latest]
    return OwnPosts(
        archive.at[latest],
        archive.root[latest],
        archive.parent_author[latest],
        np.where(parent >= 0, archive.at[parent], 0),
        (parent >= 0) & (archive.parent[parent] < 0),
    )


def _thread_sizes(archive: Archive, rows: Rows, moments: IdArray) -> IdArray:
    """Return how many posts the conversation of each row had at its moment."""
    by_root = np.lexsort((archive.at, archive.root))
    # Both numbers in one, so that one search finds a place by conversation and time.
    first, span = int(archive.at[0]) if len(by_root) else 0, int(np.ptp(archive.at)) + 2
    keys = archive.root[by_root] * span + archive.at[by_root] - first
    wanted = archive.root[rows] * span
    until = np.clip(moments - first, 0, span - 1)
    return np.searchsorted(keys, wanted + until) - np.searchsorted(keys, wanted)
