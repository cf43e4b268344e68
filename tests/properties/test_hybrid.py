"""Whatever is pushed, by whichever lane, and whatever is pulled: homes show the same."""

from random import Random

from hypothesis import strategies as st

from schemas.ids import DAY_MS, PostId, UserId
from services.handlers.pages import FanOutPolicy
from services.readers.paging import PageRequest
from tests.histories import NOW, PEOPLE, POSTS, READER, RETENTION_DAYS, Fact, chances, histories
from tests.properties.concurrent_writer import ConcurrentWriter
from tests.properties.conftest import Prove
from tests.properties.world import World, assert_same, says
from tests.relation_histories import peopled_histories

lanes = st.sampled_from((0, 1, 2))
pulls = st.sampled_from((1, 1, 2, 0))
at_once = st.sampled_from((0, 2, 1_000))
policies = st.lists(st.builds(FanOutPolicy, lanes, pulls, at_once), min_size=1, max_size=3)
"""Those of workers at once: who restarts with another threshold is another worker."""


def test_homes_show_the_same_however_they_are_brought_about(prove: Prove) -> None:
    """Any worker may push, in any lane, or leave an author to be pulled, and change its mind."""

    async def holds(history: list[Fact], chance: Random, mixed: list[FanOutPolicy]) -> None:
        world = await World(policies=mixed).deliver(history, chance)
        assert_same(await world.shows(), says(history))

    prove(holds, 60, histories() | peopled_histories(), chances, policies)


def test_what_is_pulled_has_the_retention_of_what_is_pushed(prove: Prove) -> None:
    """Flags leave no sooner than the posts for which they stand."""

    async def holds(
        history: list[Fact], chance: Random, mixed: list[FanOutPolicy], later: int
    ) -> None:
        world = await World(policies=mixed).deliver(history, chance)
        world.now = NOW + later
        assert_same(await world.shows(), says(history, now=world.now))

    later = st.integers(0, (RETENTION_DAYS + 1) * DAY_MS)
    prove(holds, 20, histories(), chances, policies, later)


def test_workers_that_fail_midway_leave_nothing_out(prove: Prove) -> None:
    """A flag is there before the first page is not: whenever a worker dies, homes are whole."""

    async def holds(history: list[Fact], chance: Random, mixed: list[FanOutPolicy]) -> None:
        world = World(between=lambda port: ConcurrentWriter(port, chance, 0.05), policies=mixed)
        await world.deliver_by(3, history, chance)
        assert_same(await world.shows(), says(history))

    prove(holds, 20, histories(), chances, policies)


def test_a_replay_under_another_policy_changes_nothing(prove: Prove) -> None:
    """What was pulled is pushed too, what was pushed is pulled too, and each is shown once."""

    async def holds(history: list[Fact], chance: Random, mixed: list[FanOutPolicy]) -> None:
        world = await World(policies=mixed).deliver(history, chance)
        before = await world.shows()
        await world.deliver(chance.sample(history, chance.randint(0, len(history))), chance)
        assert_same(await world.shows(), before)

    prove(holds, 15, histories(), chances, policies)


def test_what_is_explained_as_pulled_is_shown(prove: Prove) -> None:
    """And what is neither pulled nor the viewer's own is stored: nobody owes it otherwise."""

    async def holds(history: list[Fact], chance: Random) -> None:
        world = await World(policies=[FanOutPolicy(0, 2), FanOutPolicy(0, 3)]).deliver(
            history, chance
        )
        for viewer in map(UserId, (*PEOPLE, READER)):
            page = await world.home.page(viewer, PageRequest(limit=100))
            home = {item.post_id for item in page.items}
            for post in map(PostId, POSTS):
                why = await world.home.explain(viewer, post)
                assert (why is not None and why.shown) == (post in home)
                if why is not None and why.shown and why.path == "pushed":
                    assert why.stored
                if why is not None and why.shown and why.path in {"pulled", "own", "pushed"}:
                    assert await world.home.has_arrived(viewer, post)

    prove(holds, 20, histories(), chances)
