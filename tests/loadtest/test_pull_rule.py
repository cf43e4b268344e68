"""The rule by which an author is cheaper pulled than pushed."""

from pathlib import Path

import pytest

from loadtest.pull_rule import PullCosts, draw_curve, least_share

DOCS = Path(__file__).parents[2] / "docs"


def pushed(posts: float, followers: float, costs: PullCosts) -> float:
    """Return the cost of an author's day, while each follower reads one home."""
    return posts * followers * costs.entry


def pulled(followers: float, readers: float, costs: PullCosts) -> float:
    return followers * costs.followee + readers * costs.author


@pytest.mark.parametrize("posts", [20, 100, 5_000])
@pytest.mark.parametrize("costs", [PullCosts(), PullCosts(13, 200, 0.3)])
def test_both_ways_cost_the_same_at_the_least_share(posts: float, costs: PullCosts) -> None:
    """With one follower more pulling costs less, with one fewer pushing does."""
    share = least_share(posts, costs)
    assert share is not None
    readers = 1e7
    followers = share * readers
    assert pushed(posts, followers, costs) == pytest.approx(pulled(followers, readers, costs))
    assert pushed(posts, followers + 1, costs) > pulled(followers + 1, readers, costs)
    assert pushed(posts, followers - 1, costs) < pulled(followers - 1, readers, costs)


def test_authors_who_write_less_than_they_are_read_are_pushed() -> None:
    """Even if everybody follows the author."""
    assert least_share(19, PullCosts()) is None
    assert pushed(19, 1e7, PullCosts()) < pulled(1e7, 1e7, PullCosts())


def test_the_chart_in_the_docs_is_the_curve() -> None:
    """`python -m loadtest.pull_rule docs/pull-rule.svg` writes it again."""
    assert (DOCS / "pull-rule.svg").read_text() == draw_curve()
