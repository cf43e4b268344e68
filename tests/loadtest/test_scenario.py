"""A scenario is data, and a wrong one says where."""

import pytest

from loadtest.scenario import (
    Maximum,
    Open,
    WrongScenario,
    load_scenario,
    parse_scenario,
    scenario_names,
)

SMALL = """
claim: it is fast
users: 1000
groups:
  people: {authors: 10, followers: 75, most: 500}
phases:
  - {kind: maximum, of: people, posts: 100}
  - {kind: open, of: people, share_of_maximum: 0.5, seconds: 10}
"""


def changed(old: str, new: str) -> bytes:
    assert old in SMALL
    return SMALL.replace(old, new).encode()


@pytest.mark.parametrize("name", scenario_names())
def test_every_scenario_of_the_program_can_be_run(name: str) -> None:
    """At a thousandth of its size as well."""
    scenario = load_scenario(name)
    small = scenario.scaled(0.001)
    assert small.users == max(10, scenario.users // 1_000)
    assert all(group.followers <= small.users for group in small.groups.values())


def test_the_promised_scenarios_exist() -> None:
    """By the names of their claims."""
    assert {
        "one-author-1m-followers",
        "authors-10k-followers",
        "zipf-75-followers",
        "zipf-403-followers",
        "celebrity-beside-small-authors",
        "reply-storm",
        "follow-churn",
        "outage-10-minutes",
        "soak",
        "scale-1-to-4-workers",
    } <= set(scenario_names())


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("users: 1000", "users: many", "users"),
        ("posts: 100", "posts: 0", "posts"),
        ("posts: 100", "post: 100", "post"),
        ("kind: maximum", "kind: minimum", "minimum"),
        ("of: people, posts", "of: nobody, posts", "phases[0].of"),
        ("share_of_maximum: 0.5, ", "", "phases[1]"),
        ("of: people, share", "of: people, per_second: 5, share", "phases[1]"),
        ("  - {kind: maximum, of: people, posts: 100}\n", "", "share_of_maximum"),
        ("seconds: 10", "seconds: 10, away_seconds: 9", "away_seconds"),
        ("seconds: 10", "seconds: 10, beside: {of: nobody}", "beside"),
        ("authors: 10,", "authors: 1000000,", "groups"),
    ],
)
def test_a_wrong_field_is_named(old: str, new: str, place: str) -> None:
    """The file is named, too."""
    with pytest.raises(WrongScenario) as refused:
        parse_scenario(changed(old, new), "mine.yaml")
    assert "mine.yaml" in str(refused.value)
    assert place in str(refused.value)


def test_an_unknown_name_lists_the_known_ones() -> None:
    """A file may be named instead."""
    with pytest.raises(WrongScenario, match="zipf-75-followers"):
        load_scenario("zipf-76-followers")


def test_scaling_takes_people_posts_and_seconds_but_leaves_rates() -> None:
    """Nobody has more followers than there are users, and a burst keeps four posts."""
    small = parse_scenario(changed("share_of_maximum: 0.5", "per_second: 5"), "mine").scaled(0.01)
    burst, arriving = small.phases
    assert isinstance(burst, Maximum)
    assert isinstance(arriving, Open)
    assert small.users == 10
    assert small.groups["people"].authors == 1
    assert small.groups["people"].followers == 10
    assert burst.posts == 4
    assert arriving.seconds == 1
    assert arriving.per_second == 5
