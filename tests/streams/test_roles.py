"""Which role reads what, and what becomes of what it cannot handle."""

from collections import Counter

from services.settings.settings import Settings
from streams.bootstrap import Deps, create_metrics, create_workers, memory_stores
from streams.outbox import Outgoing
from streams.routes import BRAKES, ROUTES


class Nowhere:
    """An outbox that nothing leaves by."""

    async def send(self, messages: list[Outgoing]) -> None:
        raise AssertionError(messages)


def test_of_all_who_read_a_topic_one_buries_what_nobody_can_decode() -> None:
    """So it is one dead letter, whoever else meets it."""
    buried = Counter(route.topic for route in ROUTES if not route.is_second)
    assert set(buried.values()) == {1}
    assert set(buried) == {route.topic for route in ROUTES}


def test_the_search_has_brakes_of_its_own() -> None:
    """A bug in it stops no delivery; an operator can release each."""
    deps = Deps(Settings(store="memory"), create_metrics(), memory_stores())
    apps = create_workers(deps, Nowhere())
    said = [loop.held_up() for app in apps for loop in app.intake.loops]
    assert [why.split()[2] for why in said if why] == [route.brake for route in ROUTES]
    assert len(set(BRAKES)) == len(ROUTES)
