"""Inboxes are what the model says, in any order of arrival, pushed and pulled."""

from collections.abc import Sequence
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import strategies as st

from schemas.events import Creation
from schemas.ids import UserId
from services.inboxes.memory import MemoryInboxes
from services.readers import conversations
from services.readers.inbox import InboxPlace
from streams.cli.reindex import reindex
from streams.pace import Pace
from tests.histories import Fact, chances
from tests.properties.concurrent_writer import ConcurrentWriter
from tests.properties.conftest import Prove
from tests.properties.test_talk import TALKERS, histories, model
from tests.properties.world import World

SIZES = ((50,), (1,), (0,), (50, 1), (2, 0))
"""Participants up to which workers push, as all of them or some of them do."""
sizes = st.sampled_from(SIZES)


def settled(facts: Sequence[Fact], before: Sequence[Fact] = ()) -> list[Fact]:
    """The facts without creations by which somebody gives a post of theirs another place.

    What is below such a post may stay in the conversation of before (decision 40).
    """
    places: dict[tuple[int, int], tuple[int | None, ...]] = {}
    kept: list[Fact] = []
    for fact in (*before, *facts):
        if isinstance(fact, Creation):
            above = (getattr(fact, each, None) for each in ("parent_id", "root_id", "repost_of"))
            place = tuple(above)
            if places.setdefault((fact.post_id, fact.author_id), place) != place:
                continue
        kept.append(fact)
    return kept[len(before) :]


async def inbox(world: World, viewer: int, limit: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    place: InboxPlace | None = None
    for _ in range(100):
        page, place = await world.inbox.page(UserId(viewer), place, limit)
        found += map(msgspec.to_builtins, page)
        if place is None:
            return found
    raise AssertionError("pages without an end")


async def assert_agree(world: World, facts: Sequence[Fact], limit: int = 20) -> None:
    expected = model(facts)
    for viewer in TALKERS:
        assert await inbox(world, viewer, limit) == expected.conversations(viewer), viewer


@pytest.mark.parametrize("first_look", [2, conversations.FIRST_LOOK])
def test_everybody_has_their_conversations(
    prove: Prove, monkeypatch: pytest.MonkeyPatch, first_look: int
) -> None:
    """By last activity, each once, in pages of any size, whatever the order of arrival.

    Also where a first look at a conversation does not see all of it.
    """
    monkeypatch.setattr(conversations, "FIRST_LOOK", first_look)

    async def holds(drawn: list[Fact], chance: Random, most: tuple[int, ...], limit: int) -> None:
        facts = settled(drawn)
        world = await World(pushed_participants=most).deliver(facts, chance)
        await assert_agree(world, facts, limit)

    prove(holds, 100, histories, chances, sizes, st.integers(1, 3))


def test_half_a_conversation_is_one_too(prove: Prove) -> None:
    """What comes late counts where it belongs, and what comes again changes nothing."""

    async def holds(
        first: list[Fact], second: list[Fact], chance: Random, most: tuple[int, ...]
    ) -> None:
        early = settled(first)
        late = settled(second, early)
        world = await World(pushed_participants=most).deliver(early, chance)
        await assert_agree(world, early)
        await world.deliver(late, chance)
        await world.deliver(chance.sample(early, chance.randint(0, len(early))), chance)
        await assert_agree(world, [*early, *late])

    prove(holds, 40, histories, histories, chances, sizes)


def test_workers_that_fail_midway_leave_no_inbox_short(prove: Prove) -> None:
    """Several at once, some of which push and others pull, whose steps interleave and may fail."""

    async def holds(
        drawn: list[Fact], chance: Random, failing: float, most: tuple[int, ...]
    ) -> None:
        facts = settled(drawn)
        world = World(
            between=lambda port: ConcurrentWriter(port, chance, failing), pushed_participants=most
        )
        await world.deliver_by(3, facts, chance)
        await assert_agree(world, facts)

    prove(holds, 80, histories, chances, st.sampled_from((0, 0.02, 0.1)), sizes)


def test_reindexing_fills_the_inboxes_of_an_earlier_release(prove: Prove) -> None:
    """From the posts alone; it may be done at any time."""

    async def holds(facts: list[Fact], chance: Random) -> None:
        stores = (await World().deliver(facts, chance)).reader.stores
        emptied = World(stores=stores._replace(inboxes=MemoryInboxes()))
        await reindex(emptied.reader.stores, Pace(None), lambda _: None)
        await assert_agree(emptied, facts)

    prove(holds, 20, histories, chances)
