"""Measures how long it takes to sum up homes, one after the other on one API process.

    python -m loadtest.catch_up --posts 400000

Runs an API on a keyspace that `loadtest.home_pages` filled (without `--keyspace` it fills one
likewise). A hundredth of all posts is in a home, so 400,000 make 4,000 entries; `posts` says how
many of them are shown.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import NamedTuple

import click
import httpx
import numpy as np

from loadtest.figures import percentiles
from loadtest.home_pages import PATIENCE, fill_store, run_api_on

WARM_UP = 3


class CatchUpTimes(NamedTuple):
    """Milliseconds of each answer, and how many posts of others it sums up."""

    ms: list[float]
    posts: list[int]


def measure_catch_ups(client: httpx.Client, viewers: Sequence[int], since: str) -> CatchUpTimes:
    """Ask for one after the other. Raises httpx.HTTPError."""
    times = CatchUpTimes([], [])
    asked = {"since": since} if since else {}
    for viewer in viewers:
        began = perf_counter()
        answer = client.get(f"/v1/users/{viewer}/catch-up", params=asked)
        times.ms.append(1_000 * (perf_counter() - began))
        body = answer.raise_for_status().json()
        given = sum(len(line.get("posts", ())) for line in body["items"])
        times.posts.append(body["folded"] + given)
    return times


@click.command()
@click.option("--posts", default=400_000, show_default=True)
@click.option("--looks", default=60, show_default=True, help="Measured answers.")
@click.option("--hours", type=float, help="Look back so far, at most 168; else over all of home.")
@click.option("--seed", default=1, show_default=True)
@click.option("--keyspace", help="A keyspace that was filled before with the same seed.")
def main(posts: int, looks: int, hours: float | None, seed: int, keyspace: str | None) -> None:
    """Measure catch-ups, in milliseconds, on a keyspace with this many posts."""
    name, world = fill_store(posts, seed, keyspace)
    since = ""
    if hours is not None:
        since = (datetime.now(UTC) - timedelta(hours=hours)).isoformat()
    viewers = np.random.default_rng(seed).permutation(world.viewers())[: looks + WARM_UP].tolist()
    with run_api_on(name) as api, httpx.Client(base_url=api.url, timeout=PATIENCE) as client:
        measure_catch_ups(client, viewers[:WARM_UP], since)
        times = measure_catch_ups(client, viewers[WARM_UP:], since)
    figures = (percentiles(times.ms) or {}) | {"posts": float(np.mean(times.posts))}
    click.echo(json.dumps({each: round(value, 1) for each, value in figures.items()}))


if __name__ == "__main__":
    main()
