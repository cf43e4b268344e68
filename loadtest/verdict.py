"""Judges a scenario's claim by the figures of a report. Pure."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from loadtest.scenario import Expectation

EVERY = "*"


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """An expectation and what was measured; `met` is null where a figure was not."""

    expected: str
    measured: list[float]
    met: bool | None


def judge_claim(expected: Sequence[Expectation], figures: Any) -> list[Judged]:
    """Return each expectation with its verdict, given the report as plain values."""
    return [_judge(each, figures) for each in expected]


def is_met(judged: Sequence[Judged]) -> bool | None:
    """Return whether all of a claim holds; None if that cannot be said."""
    verdicts = {each.met for each in judged}
    if False in verdicts:
        return False
    return None if None in verdicts or not verdicts else True


def _judge(expectation: Expectation, figures: Any) -> Judged:
    measured = list(_find(figures, expectation.figure.split(".")))
    of = [1.0] if expectation.times is None else list(_find(figures, expectation.times.split(".")))
    known = bool(measured) and None not in measured and len(of) == 1 and of[0] is not None
    return Judged(
        expected=_describe(expectation),
        measured=[each for each in measured if each is not None],
        met=all(_holds(expectation, each, of[0]) for each in measured) if known else None,
    )


def _find(value: Any, place: Sequence[str]) -> Iterable[Any]:
    """Yield the figures at a place; None where there is nothing."""
    if not place:
        yield value if isinstance(value, int | float) else None
        return
    first, *rest = place
    if first == EVERY and isinstance(value, list):
        for each in value:
            yield from _find(each, rest)
    elif isinstance(value, list):
        known = first.isdecimal() and int(first) < len(value)
        yield from _find(value[int(first)] if known else None, rest)
    else:
        yield from _find(value.get(first) if isinstance(value, dict) else None, rest)


def _holds(expectation: Expectation, figure: float, of: float) -> bool:
    if expectation.at_least is not None:
        return figure >= expectation.at_least * of
    assert expectation.at_most is not None
    return figure <= expectation.at_most * of


def _describe(expectation: Expectation) -> str:
    least = expectation.at_least is not None
    bound = expectation.at_least if least else expectation.at_most
    times = f" times {expectation.times}" if expectation.times else ""
    return f"{expectation.figure} is at {'least' if least else 'most'} {bound:,.10g}{times}"
