"""Fit weights: a conditional logit over looks, by Newton's method."""

from collections.abc import Sequence

import numpy as np

from loadtest.ranking.archive import Rows
from loadtest.ranking.judged import JudgedLooks
from schemas.ids import IdArray
from services.ranking.window import Floats

PENALTY = 1.0
"""Half of it times the squares of the weights is taken off the log likelihood. With 2,000 looks a
list it hardly moves a weight that the data know of."""
LOOKS_A_LIST = 2_000
"""Each list counts as so many looks, however long it is."""
HALF_LIFE_YEARS = 4
"""A look so long before a list's last one counts half: habits of a list change."""
MAX_STEPS = 50
ENOUGH = 1e-9
"""Gain of a step, in log likelihood, at which the weights are fitted."""
YEAR_MS = 365 * 86_400_000


def look_weights(moments: IdArray) -> Floats:
    """Return how much each look of a list counts."""
    weights: Floats = np.exp2((moments - moments.max()) / (HALF_LIFE_YEARS * YEAR_MS))
    weights *= LOOKS_A_LIST / weights.sum()
    return weights


def fit_weights(lists: Sequence[JudgedLooks], columns: Rows) -> Floats:
    """Return the weights of some columns under which what was answered is likeliest."""
    problem = [_Choices(looks, columns) for looks in lists if len(looks.viewer)]
    weights = np.zeros(len(columns))
    reached = _objective(problem, weights)
    for _ in range(MAX_STEPS):
        gradient, curvature = -PENALTY * weights, PENALTY * np.eye(len(columns))
        for choices in problem:
            slope, bend = choices.derivatives(weights)
            gradient, curvature = gradient + slope, curvature + bend
        step = np.linalg.solve(curvature, gradient)
        value = _objective(problem, weights + step)
        while value < reached and np.abs(step).max() > ENOUGH:
            step = step / 2
            value = _objective(problem, weights + step)
        gain, reached = value - reached, value
        weights = weights + step
        if gain < ENOUGH:
            break
    return weights


def _objective(problem: Sequence["_Choices"], weights: Floats) -> float:
    likelihood = sum(choices.log_likelihood(weights) for choices in problem)
    return likelihood - PENALTY / 2 * float(weights @ weights)


class _Choices:
    """A list's looks: which candidates were chosen, in even shares where there were several."""

    def __init__(self, looks: JudgedLooks, columns: Rows) -> None:
        self._x = looks.features[:, columns]
        self._look, self._starts = looks.look, looks.starts
        chosen = np.add.reduceat(looks.relevant.astype(np.float64), looks.starts)
        self._share = looks.relevant / chosen[looks.look]
        self._counts = look_weights(looks.moment)

    def log_likelihood(self, weights: Floats) -> float:
        logs = self._log_probabilities(weights)
        return float((self._counts[self._look] * self._share * logs).sum())

    def derivatives(self, weights: Floats) -> tuple[Floats, Floats]:
        """Return the gradient, and the curvature, which is that of the negative likelihood."""
        probability = np.exp(self._log_probabilities(weights))
        count = self._counts[self._look]
        slope = self._x.T @ (count * (self._share - probability))
        mean = np.add.reduceat(self._x * probability[:, None], self._starts)
        spread = (self._x * (count * probability)[:, None]).T @ self._x
        return slope, spread - (mean * self._counts[:, None]).T @ mean

    def _log_probabilities(self, weights: Floats) -> Floats:
        odds = self._x @ weights
        odds = odds - np.maximum.reduceat(odds, self._starts)[self._look]
        return odds - np.log(np.add.reduceat(np.exp(odds), self._starts))[self._look]
