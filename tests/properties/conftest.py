"""Each property is tried a little in every run, and a lot in `make proof`."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis.strategies import SearchStrategy, tuples

Holds = Callable[..., Coroutine[Any, Any, None]]
Prove = Callable[..., None]

PROOF = 20
"""How much more is tried in a proof."""
EXAMPLE_SECONDS = 60.0
"""For one example; what never ends would be shrunk for ever."""


@pytest.fixture(params=[1, pytest.param(PROOF, marks=[pytest.mark.proof, pytest.mark.timeout(0)])])
def prove(request: pytest.FixtureRequest) -> Prove:
    """Tries that something holds for so many examples of these strategies."""

    def proved(holds: Holds, examples: int, *strategies: SearchStrategy[Any]) -> None:
        @settings(
            max_examples=examples * request.param,
            database=None,  # its key would be the same for all
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        )
        @given(tuples(*strategies))
        def tried(drawn: tuple[Any, ...]) -> None:
            for each in drawn:
                note(f"{each}")
            asyncio.run(asyncio.wait_for(holds(*drawn), EXAMPLE_SECONDS))

        tried()

    return proved
