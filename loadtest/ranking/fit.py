"""Fit weights: a conditional logit over looks, by Newton's method."""

from collections.abc import Sequence

import numpy as np

from loadtest.ranking.archive import Rows
from schemas.ids import IdArray
from services.ranking.window import Flags, Floats

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


def fit_weights(problem: Sequence["Choices"]) -> Floats:
    """Return the weights under which what was chosen is likeliest; there is a list at least."""
    columns = problem[0].features.shape[1]
    weights = np.zeros(columns)
    reached = _objective(problem, weights)
    for _ in range(MAX_STEPS):
        gradient, curvature = -PENALTY * weights, PENALTY * np.eye(columns)
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


def _objective(problem: Sequence["Choices"], weights: Floats) -> float:
    likelihood = sum(choices.log_likelihood(weights) for choices in problem)
    return likelihood - PENALTY / 2 * float(weights @ weights)


class Choices:
    """A list's looks: which candidates were chosen, in even shares where there were several.

    `sizes` are the numbers of candidates of the looks, which follow each other in the rows.
    """

    def __init__(self, features: Floats, chosen: Flags, sizes: Rows, moments: IdArray) -> None:
        self.features = features
        self._starts = np.cumsum(sizes) - sizes
        self._look = np.repeat(np.arange(len(sizes)), sizes)
        counts = np.add.reduceat(chosen.astype(np.float64), self._starts)
        self._share = chosen / counts[self._look]
        self._counts = look_weights(moments)

    def log_likelihood(self, weights: Floats) -> float:
        logs = self._log_probabilities(weights)
        return float((self._counts[self._look] * self._share * logs).sum())

    def derivatives(self, weights: Floats) -> tuple[Floats, Floats]:
        """Return the gradient, and the curvature, which is that of the negative likelihood."""
        probability = np.exp(self._log_probabilities(weights))
        count = self._counts[self._look]
        slope = self.features.T @ (count * (self._share - probability))
        mean = np.add.reduceat(self.features * probability[:, None], self._starts)
        spread = (self.features * (count * probability)[:, None]).T @ self.features
        return slope, spread - (mean * self._counts[:, None]).T @ mean

    def _log_probabilities(self, weights: Floats) -> Floats:
        odds = self.features @ weights
        odds = odds - np.maximum.reduceat(odds, self._starts)[self._look]
        return odds - np.log(np.add.reduceat(np.exp(odds), self._starts))[self._look]
