"""When too many messages die."""

from hypothesis import example, given
from hypothesis import strategies as st

from streams.delivery.brake.rule import BrakeLimits, OutcomeWindow, Tripped

SMALL = BrakeLimits(window=40, first=10, percent=10, consecutive=6)
STREAKS = st.lists(st.tuples(st.booleans(), st.integers(1, 12)), max_size=30)


def naive(outcomes: list[bool], limits: BrakeLimits) -> tuple[int, Tripped | None]:
    """The rule, word for word, over a list."""
    for taken in range(1, len(outcomes) + 1):
        seen = outcomes[:taken]
        consecutive = next((n for n, is_dead in enumerate(reversed(seen)) if not is_dead), taken)
        if consecutive >= limits.consecutive:
            return taken, Tripped("row", consecutive, consecutive)
        latest = seen[-limits.window :]
        if taken >= limits.first and sum(latest) / len(latest) > limits.percent / 100:
            return taken, Tripped("share", sum(latest), len(latest))
    return len(outcomes), None


def spread(streaks: list[tuple[bool, int]]) -> list[bool]:
    return [is_dead for is_dead, count in streaks for _ in range(count)]


@given(STREAKS, st.integers(10, 60), st.sampled_from([10, 50, 80]))
@example([(True, 5), (False, 5)], 40, 10)
@example([(True, 3), (False, 1), (True, 3)], 40, 10)
@example([(True, 4), (False, 40), (True, 4), (False, 40)], 40, 10)
def test_it_is_the_rule(streaks: list[tuple[bool, int]], window: int, percent: int) -> None:
    """At the same message, for the same reason, with the same figures; also for small windows."""
    limits = SMALL._replace(window=window, percent=percent)
    outcomes = spread(streaks)
    assert OutcomeWindow(limits).until_tripped(outcomes) == naive(outcomes, limits)


@given(STREAKS)
def test_a_whole_batch_counts_like_its_messages(streaks: list[tuple[bool, int]]) -> None:
    """What has no dead letters is taken at once."""
    window, taken, tripped = OutcomeWindow(SMALL), 0, None
    for is_dead, count in streaks:
        for _ in range(count if is_dead else 1):
            tripped = window.died() if is_dead else window.handled(count)
            taken += 1 if is_dead else count
            if tripped:
                break
        if tripped:
            break
    expected_taken, expected = naive(spread(streaks), SMALL)
    assert tripped == expected
    assert taken >= expected_taken  # a batch that trips is handled whole


@given(STREAKS, STREAKS, STREAKS)
@example([(False, 9)], [(True, 4)], [(True, 5), (False, 5)])
def test_a_copy_goes_its_own_way(
    before: list[tuple[bool, int]], aside: list[tuple[bool, int]], after: list[tuple[bool, int]]
) -> None:
    """What the copy takes does not count for the window."""
    limits = SMALL._replace(window=10, percent=50)
    window, plain = OutcomeWindow(limits), OutcomeWindow(limits)
    if window.until_tripped(spread(before))[1] or plain.until_tripped(spread(before))[1]:
        return
    window.copy().until_tripped(spread(aside))
    assert window.until_tripped(spread(after)) == plain.until_tripped(spread(after))


def test_the_limits_are_those_that_were_promised() -> None:
    """500 in a row; above 1 % of the last 10,000, after the first 1,000."""
    assert OutcomeWindow().until_tripped([True] * 600) == (500, Tripped("row", 500, 500))
    early = [True] * 11 + [False] * 1_500
    assert OutcomeWindow().until_tripped(early) == (1_000, Tripped("share", 11, 1_000))
    window = OutcomeWindow()
    assert window.until_tripped(([False] * 99 + [True]) * 200) == (20_000, None)
    assert window.until_tripped([True]) == (1, Tripped("share", 101, 10_000))


def test_a_long_stream_costs_little_memory() -> None:
    """A batch without dead letters is one number, whatever its size."""
    window = OutcomeWindow()
    for _ in range(1_000):
        window.handled(512)
    assert len(window._runs) == 1
