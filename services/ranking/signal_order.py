"""The order of signal: scores, what is folded, and what stands behind the rest (rule 29). Pure."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from schemas.ids import IdArray, PostId
from services.ranking.damping import fold_damped
from services.ranking.features import compute_features
from services.ranking.score import ScoreReason, compute_scores, reasons_of
from services.ranking.weights import SIGNAL
from services.ranking.window import Floats, OwnPosts, PostWindow

UNFOLDED, FOLDED_AWAY, SETTLED = range(3)
"""Sections of the order: what is folded, and then what the viewer wrote or answered, come last."""
MILLIONS = 1_000_000
"""Scores have six decimals, so that as millionths they are whole numbers."""


class SignalKey(NamedTuple):
    """A place in the order; lower ones come first."""

    section: int
    minus_score: int  # in millionths
    minus_post: int


class SignalOrder(NamedTuple):
    """Rows in their order; `folded` counts the rows that each row stands for beside itself."""

    posts: Sequence[PostId]
    keys: Sequence[SignalKey]
    in_order: Sequence[int]
    folded: Counter[int]
    features: Floats

    def rows_behind(self, place: SignalKey | None) -> list[int]:
        """Return the rows that come after a place, in order; all of them without one."""
        return [row for row in self.in_order if place is None or self.keys[row] > place]

    def score(self, row: int) -> float:
        """Return a row's score."""
        return -self.keys[row].minus_score / MILLIONS

    def reasons(self, row: int) -> list[ScoreReason]:
        """Return what moved a row's score, most first."""
        return reasons_of(self.features, row, SIGNAL)


def order_signal(  # noqa: PLR0913, PLR0917 - what an order is made of
    posts: Sequence[PostId],
    window: PostWindow,
    own: OwnPosts,
    settled: IdArray,
    wordings: IdArray,
    viewer: int,
    moment: int,
) -> SignalOrder:
    """Order the rows of a window as of `moment` (ms); the `settled` rows stand behind the rest."""
    rows = np.arange(len(posts))
    features = compute_features(window, rows, own, viewer, moment)
    scores = compute_scores(features, SIGNAL)
    sections = np.full(len(posts), UNFOLDED)
    sections[settled] = SETTLED
    ranked = np.setdiff1d(rows, settled)
    shown_by = ranked[fold_damped(window, ranked, viewer, scores[ranked], wordings[ranked])]
    away = ranked[shown_by != ranked]
    sections[away] = FOLDED_AWAY
    keys = [
        SignalKey(int(section), -round(score * MILLIONS), -post)
        for section, score, post in zip(sections, scores.tolist(), posts, strict=True)
    ]
    in_order = sorted(range(len(posts)), key=keys.__getitem__)
    folded = Counter(shown_by[shown_by != ranked].tolist())
    return SignalOrder(posts, keys, in_order, folded, features)
