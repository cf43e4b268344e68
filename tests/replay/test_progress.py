"""How far a replay is, how fast it may go, and whether live traffic waits for it."""

from streams.replay.plan import Source
from streams.replay.progress import LiveLag, Progress, measure_progress
from streams.replay.rate_limiter import RateLimiter

SOURCES = (Source("posts", 0, 10, 20), Source("posts", 1, 0, 30))


def test_what_is_committed_counts() -> None:
    """Not below where the plan begins, not beyond where it ends."""
    assert measure_progress(SOURCES, {}) == Progress(0, 40)
    assert measure_progress(SOURCES, {("posts", 0): 15, ("posts", 1): 90}) == Progress(35, 40)
    assert measure_progress(SOURCES, {("posts", 0): 3}) == Progress(0, 40)
    assert measure_progress(SOURCES, {("posts", 0): 20, ("posts", 1): 30}).is_over
    assert measure_progress((), {}).is_over


def test_the_time_left_is_by_the_pace_so_far() -> None:
    assert Progress(30, 40).left(Progress(10, 40), 4.0) == 2.0
    assert Progress(10, 40).left(Progress(10, 40), 4.0) is None


def test_a_rate_is_kept_and_pauses_are_not_made_up_for() -> None:
    """Fractions are kept, half a second's worth at most."""
    pace = RateLimiter(10.0, now=0.0)
    assert pace.allows(0.05, 100) == 0
    assert pace.allows(0.2, 100) == 2
    pace.took(2)
    assert pace.allows(100.0, 100) == 5
    assert RateLimiter(None, now=0.0).allows(0.0, 100) == 100


def test_live_workers_are_as_late_as_what_they_have_not_handled() -> None:
    """By when it was there: not by how many messages they are."""
    lag = LiveLag()
    place = ("posts", 0)
    assert lag.seconds(0.0, {place: 10}, {place: 10}) == 0.0
    assert lag.seconds(1.0, {place: 20}, {place: 10}) == 1.0
    assert lag.seconds(5.0, {place: 30}, {place: 19}) == 5.0
    assert lag.seconds(6.0, {place: 30}, {place: 20}) == 5.0
    assert lag.seconds(7.0, {place: 30}, {place: 30}) == 0.0
