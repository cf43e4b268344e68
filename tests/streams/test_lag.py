"""Lag, in messages and in seconds."""

from streams.delivery.acks import AckTracker
from streams.kafka.consumer_thread import Extent
from streams.kafka.lag import LagGauges
from streams.kafka.ownership import Unowned
from streams.routes import ROUTES
from tests.streams.fakes import ACCEPTED_AT, P0, P1, metrics, records, sample

NOW = ACCEPTED_AT / 1000
SECONDS, MESSAGES = "timeline_consumer_lag_seconds", "timeline_consumer_lag_messages"
SEARCH_ROLE = next(route.role for route in ROUTES if route.is_second)
PLACE = {"topic": "posts", "partition": "0"}


class Lag:
    """A worker that holds P0."""

    def __init__(self) -> None:
        self.now = NOW
        self.metrics = metrics()
        self.acks = AckTracker()
        self.generation = self.acks.assign([P0])
        self.gauges = LagGauges(self.metrics, lambda: self.now)

    def seen(self, position: int, end: int) -> tuple[float, float]:
        self.gauges.update(self.acks, {P0: Extent(position, end)}, {})
        return sample(self.metrics, MESSAGES, **PLACE), sample(self.metrics, SECONDS, **PLACE)


def test_a_partition_that_is_read_to_its_end_has_no_lag() -> None:
    """Transaction markers at the end, which nobody handles, do not count."""
    assert Lag().seen(position=9, end=9) == (0, 0)


def test_lag_is_counted_from_the_oldest_unhandled_message() -> None:
    """Not from what was read."""
    lag = Lag()
    lag.acks.received(P0, lag.generation, records(3, 4, 5))
    lag.acks.acked(P0, lag.generation, [3, 5])
    lag.now += 12
    assert lag.seen(position=6, end=10) == (6, 12)


def test_lag_grows_while_nothing_can_be_read() -> None:
    """A paused intake shows, although the age of what waits is not known."""
    lag = Lag()
    assert lag.seen(position=0, end=5) == (5, 0)
    lag.now += 7
    assert lag.seen(position=0, end=5) == (5, 7)
    lag.acks.received(P0, lag.generation, records(4))
    lag.acks.acked(P0, lag.generation, [4])
    assert lag.seen(position=5, end=5) == (0, 0)


def test_the_search_shows_its_lag_apart() -> None:
    """It reads what others read too, maybe in the same process: neither hides the other's."""
    lag = Lag()
    behind = LagGauges(lag.metrics, lambda: lag.now, group=f"mingle-{SEARCH_ROLE}")
    behind.update(lag.acks, {P0: Extent(0, 7)}, {})
    assert lag.seen(position=5, end=5) == (0, 0)
    assert sample(lag.metrics, "timeline_search_lag_messages", **PLACE) == 7
    behind.clear()
    assert sample(lag.metrics, MESSAGES, **PLACE) == 0


def test_a_partition_without_an_owner_is_shown_by_everybody() -> None:
    """Until it has one, who shows it."""
    lag = Lag()
    lag.gauges.update(lag.acks, {}, {P1: Unowned(12.0, 5)})
    place = {"topic": "posts", "partition": "1"}
    assert sample(lag.metrics, MESSAGES, **place) == 5
    assert sample(lag.metrics, SECONDS, **place) == 12
    lag.gauges.update(lag.acks, {}, {P1: Unowned(15.0, 0)})
    assert lag.metrics.registry.get_sample_value(SECONDS, place) == 0
    lag.gauges.update(lag.acks, {}, {})
    assert lag.metrics.registry.get_sample_value(MESSAGES, place) is None


def test_a_partition_that_went_elsewhere_is_not_shown() -> None:
    """Whoever has it shows it."""
    lag = Lag()
    lag.seen(position=0, end=5)
    lag.gauges.clear()
    assert lag.metrics.registry.get_sample_value(MESSAGES, PLACE) is None
