"""Backoff grows, stays within its bound, and never ends."""

import random

from hypothesis import given
from hypothesis import strategies as st

from streams.retry import RetryPolicy
from tests.streams.fakes import Middle


def test_each_failure_doubles_the_delay() -> None:
    """Up to the longest."""
    policy = RetryPolicy(first=1.0, longest=5.0)
    assert [policy.delay(n, Middle()) for n in (1, 2, 3, 4, 9)] == [0.75, 1.5, 3.0, 3.75, 3.75]


@given(st.integers(1, 10**9), st.integers())
def test_the_delay_is_bounded(attempt: int, seed: int) -> None:
    """Days into an outage it is still found out within seconds that it is over."""
    assert 0 < RetryPolicy().delay(attempt, random.Random(seed)) <= RetryPolicy().longest
