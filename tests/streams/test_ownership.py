"""When a member asks for a rebalance because partitions have no owner."""

from itertools import pairwise

import pytest
from aiokafka.coordinator.protocol import ConsumerProtocol

from streams.kafka.ownership import LONGEST_PAUSE, Ownership, new_assignor
from tests.clock import StandingClock
from tests.streams.fakes import P0, P1

BIRTH = bytes(range(16))
PATIENCE = 15.0
BOTH = {P0, P1}


@pytest.fixture
def time() -> StandingClock:
    return StandingClock(100.0)


@pytest.fixture
def ownership(time: StandingClock) -> Ownership:
    return Ownership(PATIENCE, time)


def test_a_partition_without_an_owner_is_asked_for_once_all_members_know_of_it(
    ownership: Ownership, time: StandingClock
) -> None:
    """The member that assigns may learn of it later than the one that notices."""
    assert not ownership.look(BOTH, {P0})
    time.now += PATIENCE - 1
    assert not ownership.look(BOTH, {P0})
    assert ownership.unowned() == {P1: PATIENCE - 1}
    time.now += 1
    assert ownership.look(BOTH, {P0})


def test_a_rebalance_that_does_not_help_is_repeated_ever_more_seldom(
    ownership: Ownership, time: StandingClock
) -> None:
    """It stops the whole group for a moment."""
    ownership.look(BOTH, {P0})
    asked = []
    for _ in range(3_600):
        time.now += 1
        if ownership.look(BOTH, {P0}):
            asked.append(time.now)
    pauses = [later - earlier for earlier, later in pairwise(asked)]
    assert pauses[:3] == [2 * PATIENCE, 4 * PATIENCE, 8 * PATIENCE]
    assert max(pauses) == LONGEST_PAUSE


def test_what_has_an_owner_again_is_forgotten(ownership: Ownership, time: StandingClock) -> None:
    """Its next time without one counts from its beginning."""
    ownership.look(BOTH, set())
    time.now += PATIENCE
    assert not ownership.look(BOTH, BOTH)
    assert ownership.unowned() == {}
    time.now += PATIENCE
    assert not ownership.look(BOTH, {P1})
    assert ownership.unowned() == {P0: 0.0}


def test_the_note_of_a_member_is_its_own() -> None:
    """Two apps run in one process."""
    mine, other = new_assignor(BIRTH), new_assignor(BIRTH)
    mine.note = b"again"
    assert mine.name == other.name
    joined = ConsumerProtocol.METADATA.decode(mine.metadata(["posts"]).encode())
    assert (joined.subscription, joined.user_data) == (["posts"], BIRTH + b"again")
    assert ConsumerProtocol.METADATA.decode(other.metadata(["posts"]).encode()).user_data == BIRTH
