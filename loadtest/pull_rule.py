"""When pulling an author costs less than pushing: docs/decisions/008-pulled-authors.md as a curve.

python -m loadtest.pull_rule docs/pull-rule.svg
"""

from pathlib import Path
from typing import NamedTuple

import click

from loadtest import svg


class PullCosts(NamedTuple):
    """Microseconds of CPU, client and store together; `python -m loadtest.pull_cost` measures."""

    entry: float = 13
    """Of an entry that is pushed."""
    followee: float = 250
    """That each pulled author whom its reader follows adds to a page."""
    name: float = 3
    """That each pulled author there is adds to every page: less than this, which is the noise."""


NAMES = (3, 1, 0.3)
"""What a name may cost."""
POSTS_A_READ = (20, 30, 50, 100, 200, 500, 1_000, 2_000, 5_000)


def least_share(posts_a_read: float, costs: PullCosts) -> float | None:
    """From which share of all readers on an author is cheaper pulled; None where he never is.

    `posts_a_read`: how many posts he writes for each home that one of his followers reads.
    """
    saved = posts_a_read * costs.entry - costs.followee
    return costs.name / saved if saved >= costs.name else None


def draw_curve() -> str:
    """The picture: the share, in percent, over what he writes for each home that is read."""
    shares = {
        name: [least_share(posts, PullCosts(name=name)) for posts in POSTS_A_READ] for name in NAMES
    }
    drawn = [
        svg.Line(
            f"a name {name:g} µs",
            [(float(at), 100 * share) for at, share in enumerate(found) if share is not None],
        )
        for name, found in shares.items()
    ]
    title = "% of all readers who follow an author, from which on he is cheaper pulled"
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
