"""The contract of `services.graph.store`."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.events import FollowCreated, FollowDeleted
from schemas.ids import SLOTS, UserId, slot
from services.graph.edge import EdgeMutation, edge_mutation
from services.graph.memory import MemoryGraph
from services.graph.store import SlotRange
from services.stores import Stores
from tests.contracts.histories import NewPeople, People

FIRST, SECOND, THIRD = 1_000, 2_000, 3_000


def follows(follower: UserId, followee: UserId, version: int = FIRST) -> EdgeMutation:
    return edge_mutation(FollowCreated(follower_id=follower, followee_id=followee, version=version))


def unfollows(follower: UserId, followee: UserId, version: int = SECOND) -> EdgeMutation:
    return edge_mutation(FollowDeleted(follower_id=follower, followee_id=followee, version=version))


def everyone(author: UserId) -> SlotRange:
    return SlotRange(author, 0, SLOTS)


async def followers(stores: Stores, author: UserId) -> list[UserId]:
    (found,) = await stores.graph.followers([everyone(author)])
    return sorted(found.tolist())


async def test_a_follower_is_listed_until_he_unfollows(stores: Stores, people: People) -> None:
    alice, bob, _ = people
    await stores.graph.record([follows(alice, bob)])
    assert await followers(stores, bob) == [alice]
    assert await followers(stores, alice) == []
    await stores.graph.record([unfollows(alice, bob)])
    assert await followers(stores, bob) == []


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_the_highest_version_has_the_edge_whatever_comes_last(
    stores: Stores, people: People, order: tuple[int, ...]
) -> None:
    alice, bob, _ = people
    told = [follows(alice, bob), unfollows(alice, bob), follows(alice, bob, THIRD)]
    for place in order:
        await stores.graph.record([told[place]])
    assert await followers(stores, bob) == [alice]


@pytest.mark.parametrize("order", [0, 1])
async def test_at_equal_versions_an_unfollow_wins(
    stores: Stores, people: People, order: int
) -> None:
    alice, bob, _ = people
    told = [follows(alice, bob, FIRST), unfollows(alice, bob, FIRST)]
    for place in (order, 1 - order):
        await stores.graph.record([told[place]])
    assert await followers(stores, bob) == []


async def test_followers_are_given_by_ranges_of_slots(stores: Stores, people: People) -> None:
    """Each is in the one range that holds its slot, whatever cuts a reader makes."""
    crowd = [UserId(people.carol + 100 * place) for place in range(60)]
    await stores.graph.record([follows(each, people.alice) for each in crowd])
    await stores.graph.record([follows(each, people.bob) for each in crowd[:5]])
    cuts = [0, slot(crowd[0]), slot(crowd[0]) + 1, SLOTS // 3, SLOTS // 2, SLOTS]
    ranges = [
        SlotRange(author, low, high)
        for author in (people.alice, people.bob)
        for low, high in zip(sorted(cuts), sorted(cuts)[1:], strict=False)
        if low < high
    ]
    found = await stores.graph.followers(ranges)
    for wanted, given_ in zip(ranges, found, strict=True):
        theirs = crowd if wanted.author_id == people.alice else crowd[:5]
        inside = [each for each in theirs if wanted.slot_from <= slot(each) < wanted.slot_to]
        assert sorted(given_.tolist()) == sorted(inside)


async def test_a_range_may_be_asked_for_twice(stores: Stores, people: People) -> None:
    await stores.graph.record([follows(people.alice, people.bob)])
    found = await stores.graph.followers([everyone(people.bob), everyone(people.bob)])
    assert [each.tolist() for each in found] == [[people.alice]] * 2


async def test_an_author_without_followers_has_an_empty_list(
    stores: Stores, people: People
) -> None:
    (found,) = await stores.graph.followers([everyone(people.alice)])
    assert found.tolist() == []
    assert found.dtype == np.int64
    assert await stores.graph.followers([]) == []


async def test_few_followers_are_counted_and_many_estimated(stores: Stores, people: People) -> None:
    """Bounds are some six standard deviations (of 9 %) away: who the crowd are is by chance."""
    crowd = [UserId(people.carol + 100 * place) for place in range(2_000)]
    await stores.graph.record([follows(each, people.alice) for each in crowd])
    await stores.graph.record([follows(each, people.bob) for each in crowd[:7]])
    counts = await stores.graph.follower_counts(people)
    assert counts.get(people.carol, 0) == 0
    assert counts[people.bob] == 7
    assert 1_000 < counts[people.alice] < 4_000


async def test_nothing_to_record_is_nothing_done(stores: Stores) -> None:
    await stores.graph.record([])
    assert await stores.graph.follower_counts([]) == {}


Message = tuple[int, int, int, bool]
MESSAGES = st.tuples(
    st.integers(0, 2), st.integers(0, 2), st.sampled_from([0, FIRST, SECOND]), st.booleans()
)


@given(messages=st.lists(MESSAGES, min_size=1, max_size=20))
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_every_store_merges_as_the_law_says(
    stores: Stores, new_people: NewPeople, messages: list[Message]
) -> None:
    """The memory adapter is the plain reading of it."""
    crowd = new_people()
    told = [
        unfollows(crowd[a], crowd[b], version) if ended else follows(crowd[a], crowd[b], version)
        for a, b, version, ended in messages
    ]
    plain = MemoryGraph()
    await plain.record(told)
    half = len(told) // 2
    for part in (told[half:], told[:half]):
        await stores.graph.record(part)
    for each in crowd:
        lists = [await graph.followers([everyone(each)]) for graph in (stores.graph, plain)]
        assert sorted(lists[0][0].tolist()) == sorted(lists[1][0].tolist())
