"""Signal is what the model says, in any order of arrival, and leaves nothing of home out."""

from collections.abc import Sequence
from random import Random

from hypothesis import strategies as st

from schemas.ids import DAY_MS, UserId
from services.ranking.weights import SIGNAL
from services.readers.paging import PageRequest
from services.readers.signal import Signal, SignalItem, SignalPage
from tests.histories import NOW, RETENTION_DAYS, Fact, chances, log
from tests.model import Model
from tests.properties.conftest import Prove
from tests.properties.test_talk import TALKERS, histories
from tests.properties.world import World

EARLY = 2**-18
"""Scores are equal up to what adding in another order makes of the sixth decimal."""


async def walk(signal: Signal, viewer: UserId, limit: int) -> list[SignalItem]:
    """Read all pages."""
    items: list[SignalItem] = []
    page = await signal.page(viewer, limit)
    while True:
        items += page.items
        if page.next is None:
            return items
        page = await signal.page(viewer, limit, page.next)


def model(facts: Sequence[Fact]) -> Model:
    return Model(log(facts), NOW, RETENTION_DAYS * DAY_MS)


async def assert_agree(world: World, expected: Model, limit: int) -> None:
    signal = Signal(world.home)
    for viewer in map(UserId, TALKERS):
        found = [(each.item.post_id, each.score) for each in await walk(signal, viewer, limit)]
        wanted = expected.signal(viewer, SIGNAL)
        scores = dict(wanted)
        assert {post for post, _ in found} == scores.keys(), viewer
        for post, score in found:
            known = scores[post]
            assert (score is None) == (known is None)
            assert score is None or known is None or abs(score - known) < EARLY, (viewer, post)
        assert [post for post, _ in found] == [post for post, _ in wanted], viewer


def test_signal_orders_by_the_documented_score(prove: Prove) -> None:
    """Whatever the order of arrival, and by any size of page; what comes again changes nothing."""

    async def holds(facts: list[Fact], chance: Random, limit: int) -> None:
        world = await World().deliver(facts, chance)
        await assert_agree(world, model(facts), limit)
        await world.deliver(chance.sample(facts, chance.randint(0, len(facts))), chance)
        await assert_agree(world, model(facts), limit)

    prove(holds, 150, histories, chances, st.integers(1, 4))


def test_a_walk_gives_each_entry_of_home(prove: Prove) -> None:
    """By any size of page; none is given that home would not show."""

    async def holds(facts: list[Fact], chance: Random, limit: int) -> None:
        world = await World().deliver(facts, chance)
        signal = Signal(world.home)
        for viewer in map(UserId, TALKERS):
            before = await home(world, viewer)
            page: SignalPage | None = await signal.page(viewer, limit)
            given: set[int] = set()
            while page is not None:
                given |= {each.item.post_id for each in page.items}
                assert given <= before
                page = await signal.page(viewer, limit, page.next) if page.next else None
            assert given == before

    prove(holds, 40, histories, chances, st.integers(1, 3))


async def home(world: World, viewer: UserId) -> set[int]:
    page = await world.home.page(viewer, PageRequest(limit=100))
    return {item.post_id for item in page.items}
