"""Synthetic people: seeded, spread over all ids, with the tail that was measured."""

import msgspec
import numpy as np
import pytest

from loadtest.graph import TAIL_EXPONENT, follower_counts, make_graph
from loadtest.scenario import Group, Open, Readers, Scenario, load_scenario, scenario_names
from schemas.ids import SLOTS, slots


def scenario(seed: int = 1, **groups: Group) -> Scenario:
    return Scenario(
        claim="people are drawn",
        users=20_000,
        groups=groups,
        phases=[Open(of="people", per_second=1, seconds=1)],
        readers=Readers(count=10, follows=5),
        seed=seed,
    )


PEOPLE = Group(authors=500, followers=75, most=10_000)
LARGE = Group(authors=2, followers=5_000)
MOST_USERS_DRAWN = 200_000
"""Lists are as long with fewer users, but where somebody is followed by all."""


def test_the_same_seed_makes_the_same_people() -> None:
    """Another seed makes others."""
    one, same, other = (make_graph(scenario(seed, people=PEOPLE)) for seed in (1, 1, 2))
    assert np.array_equal(one.followers, same.followers)
    assert np.array_equal(one.followees, same.followees)
    assert not np.array_equal(one.users, other.users)


def test_counts_have_the_mean_and_the_tail_of_the_group() -> None:
    """The number above x falls as x to the power of 1 - exponent, up to the most."""
    counts = follower_counts(Group(authors=100_000, followers=75, most=50_000))
    assert abs(counts.mean() - 75) < 1
    assert counts.min() >= 1
    assert counts.max() <= 50_000
    shares = [(counts >= x).mean() for x in (100, 1_000)]
    assert abs(np.log10(shares[0] / shares[1]) - (TAIL_EXPONENT - 1)) < 0.05


def test_each_edge_is_there_once_and_nobody_follows_himself() -> None:
    """Also where a reader was drawn as a follower before."""
    people = make_graph(scenario(large=LARGE))
    edges = set(zip(people.followees.tolist(), people.followers.tolist(), strict=True))
    assert len(edges) == len(people.followees)
    assert not set(people.followees.tolist()) & set(people.users.tolist())
    counts = people.lists().counts(people.groups["large"])
    assert all(each == 5_000 for each in counts.tolist())


def test_readers_follow_as_many_as_they_should() -> None:
    """Five each, in addition to the authors whose followers they were drawn as."""
    people = make_graph(scenario(people=PEOPLE))
    for reader in people.readers.tolist():
        assert (people.followers == reader).sum() >= 5


@pytest.mark.parametrize("name", scenario_names())
@pytest.mark.parametrize("scale", [0.01, 0.05, 0.2, 1.0])
def test_the_mean_is_what_the_scenario_says(name: str, scale: float) -> None:
    """At every scale, with the readers among the followers; but nobody has more than all users."""
    whole = load_scenario(name)
    scaled = whole.scaled(scale)
    if scaled.users > MOST_USERS_DRAWN:
        scaled = msgspec.structs.replace(scaled, users=MOST_USERS_DRAWN)
    people = make_graph(scaled)
    lists = people.lists()
    for group, authors in people.groups.items():
        said = min(whole.groups[group].followers, scaled.users)
        assert lists.counts(authors).mean() == pytest.approx(said, rel=0.02)
    followees, followers = people.followees, people.followers  # in order
    again = (followees[1:] == followees[:-1]) & (followers[1:] == followers[:-1])
    assert not again.any()


def test_followers_are_spread_over_all_shards() -> None:
    """No id range is dense: 5,000 followers are in each sixteenth of the slots, about evenly."""
    people = make_graph(scenario(large=LARGE))
    places = slots(people.lists().of(int(people.groups["large"][0])))
    parts = np.bincount(places * 16 // SLOTS, minlength=16)
    assert parts.min() > 5_000 / 16 / 2
    assert people.users.max() > 2**62
