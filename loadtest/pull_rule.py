"""Draws when pulling an author costs less than pushing: docs/decisions/008-pulled-authors.md.

python -m loadtest.pull_rule docs/pull-rule.svg
"""

from pathlib import Path
from typing import NamedTuple

import click

from loadtest import svg


class PullCosts(NamedTuple):
    """Microseconds of CPU, client and store together, from `python -m loadtest.pull_cost`."""

    entry: float = 13
    """Pushing an entry."""
    followee: float = 250
    """Cost that each pulled author whom the viewer follows adds to a page."""
    author: float = 3
    """Cost that each pulled author adds to every page: at most this, which is the noise."""


AUTHOR_COSTS = (3, 1, 0.3)
"""Microseconds that a pulled author may add to every page."""
POSTS_A_READ = (20, 30, 50, 100, 200, 500, 1_000, 2_000, 5_000)


def least_share(posts_a_read: float, costs: PullCosts) -> float | None:
    """Return the share of readers from which an author is cheaper pulled; None if never.

    `posts_a_read`: how many posts the author writes for each home that a follower reads.
    """
    saved = posts_a_read * costs.entry - costs.followee
    return costs.author / saved if saved >= costs.author else None


def draw_curve() -> str:
    """Return an SVG of the share, in percent, over the posts for each home that is read."""
    shares = {
        cost: [least_share(posts, PullCosts(author=cost)) for posts in POSTS_A_READ]
        for cost in AUTHOR_COSTS
    }
    drawn = [
        svg.Line(
            f"an author {cost:g} µs",
            [(float(at), 100 * share) for at, share in enumerate(found) if share is not None],
        )
        for cost, found in shares.items()
    ]
    title = "% of all readers who must follow an author for pulling to cost less"
    return svg.line_chart(
        title, drawn, names=[f"{each:,} posts" for each in POSTS_A_READ], log=True
    )


@click.command()
@click.argument("picture", type=click.Path(path_type=Path, dir_okay=False))
def main(picture: Path) -> None:
    """Write the curve into PICTURE."""
    picture.write_text(draw_curve())


if __name__ == "__main__":
    main()
