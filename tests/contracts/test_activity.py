"""The contract of `services.activity.store`."""

import numpy as np

from schemas.ids import IdArray, UserId
from services.activity.store import Activities, Activity, ActivityKind
from services.stores import Stores
from tests.contracts.histories import NewPeople, People


def ids(*numbers: int) -> IdArray:
    return np.array(numbers, np.int64)


def of(found: Activities, user: UserId) -> Activity | None:
    """What a look at everybody has of a user."""
    (places,) = np.nonzero(found.users == user)
    return Activity(*(int(column[places[0]]) for column in found[1:])) if len(places) else None


async def test_nothing_is_known_of_who_never_read(stores: Stores, people: People) -> None:
    """All his numbers are 0, and a look at everybody does not have him."""
    assert await stores.activity.load(people.alice) == Activity(0, 0, 0, 0)
    assert of(await stores.activity.load_all(), people.alice) is None


async def test_numbers_of_a_kind_are_each_ones_own(stores: Stores, people: People) -> None:
    """Of one user and of another, also where they are read together."""
    alice, bob, carol = people
    await stores.activity.raise_numbers(ActivityKind.SEEN, ids(alice, bob), ids(20_000, 20_001))
    await stores.activity.raise_numbers(ActivityKind.DORMANT, ids(bob, carol), ids(3, 1))
    await stores.activity.raise_numbers(ActivityKind.AWAKE, ids(bob), ids(2))
    await stores.activity.raise_numbers(ActivityKind.REBUILT, ids(bob), ids(1))
    expected = {
        alice: Activity(20_000),
        bob: Activity(20_001, 3, 2, 1),
        carol: Activity(0, 1),
    }
    everybody = await stores.activity.load_all()
    for user, activity in expected.items():
        assert await stores.activity.load(user) == activity
        assert of(everybody, user) == activity


async def test_numbers_only_rise(stores: Stores, new_people: NewPeople) -> None:
    """In whatever order they come, and again: a worker that was frozen lowers none."""
    for order in ([1, 2, 3], [3, 1, 2], [3, 3]):
        alice = new_people().alice
        for number in order:
            await stores.activity.raise_numbers(ActivityKind.AWAKE, ids(alice), ids(number))
        assert await stores.activity.load(alice) == Activity(awake=3)


async def test_everybody_comes_once_and_ascending(stores: Stores, people: People) -> None:
    """So that whoever looks for some of them can search by halves."""
    crowd = ids(*(people.bob + each for each in range(1_000)))
    await stores.activity.raise_numbers(ActivityKind.DORMANT, crowd[::-1], ids(*range(1, 1_001)))
    await stores.activity.raise_numbers(ActivityKind.SEEN, crowd, np.full(1_000, 7))
    found = await stores.activity.load_all()
    assert (np.diff(found.users) > 0).all()
    places = np.searchsorted(found.users, crowd)
    assert (found.users[places] == crowd).all()
    assert found.dormant[places].tolist() == list(range(1_000, 0, -1))
    assert set(found.seen[places].tolist()) == {7}


async def test_raising_nobody_is_nothing(stores: Stores) -> None:
    await stores.activity.raise_numbers(ActivityKind.SEEN, ids(), ids())
