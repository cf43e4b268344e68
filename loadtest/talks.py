"""Measures pages of mentions, unanswered posts and inboxes over many posts.

    python -m loadtest.talks --posts 1000000 --rate 20 --seconds 60

Fills a keyspace as `loadtest.home_pages` does and, from the same posts, with what talks are read
from, as workers do. Then one API process answers each listing in turn, for random authors at their
intended times in a loop that awaits no answer. The keyspace is kept for `--keyspace`.
"""

import asyncio
import time
from collections.abc import Sequence
from itertools import islice
from uuid import uuid4

import click
import httpx
import numpy as np
from aiohttp import ClientSession, ClientTimeout
from prometheus_client import CollectorRegistry
from rich.console import Console
from rich.table import Table

from loadtest.figures import percentiles
from loadtest.home_pages import PATIENCE, run_api_on
from loadtest.searches import count_store_requests
from loadtest.stored_world import (
    AT_ONCE,
    StoredWorld,
    create_stores,
    fill_keyspace,
    make_world,
    stored_posts,
)
from schemas.events import Creation
from schemas.ids import PostId
from services.clock import Clock, now_ms
from services.handlers.ancestor_lines import AncestorLines, named_in
from services.handlers.inboxes import FillInboxes
from services.metrics.metrics import Metrics
from services.posts.ancestry import load_above
from services.posts.post import Post
from services.settings.settings import Settings
from services.storage.session import connect
from services.stores import Stores

LISTINGS = ("mentions", "unanswered", "conversations")
WARM_UP = 100
"""Pages of each listing before those that are measured."""


async def fill_talks(settings: Settings, world: StoredWorld, seed: int, clock: Clock) -> float:
    """Write what the posts of a filled keyspace owe to talks; return the seconds it took."""
    store = await connect(settings, Metrics(CollectorRegistry()))
    stores = create_stores(store, settings, clock)
    began = time.perf_counter()
    try:
        lines = AncestorLines(
            stores.posts,
            stores.conversations,
            stores.mentions,
            stores.audiences,
            FillInboxes(stores.inboxes),
        )
        written = stored_posts(world, seed, settings.epoch)
        while batch := [each.fact for each in islice(written, AT_ONCE)]:
            await _add(stores, lines, [each for each in batch if isinstance(each, Creation)])
    finally:
        await store.close()
    return time.perf_counter() - began


async def _add(stores: Stores, lines: AncestorLines, created: Sequence[Creation]) -> None:
    ids = [PostId(each.post_id) for each in created]
    known: dict[PostId, Post] = {}
    await load_above(stores.posts, known, ids)
    await stores.mentions.add(named_in(created))
    await lines.update(ids, known)


async def measure_listing(
    url: str, listing: str, users: Sequence[int], rate: float
) -> tuple[list[float], int]:
    """Return the seconds of each user's page from its intended time, and the items of all."""
    took: list[float] = []
    items = 0
    began = time.perf_counter()

    async def read(client: ClientSession, user: int, intended: float) -> None:
        nonlocal items
        await asyncio.sleep(intended - time.perf_counter())
        async with client.get(f"/v1/users/{user}/{listing}") as answer:
            answer.raise_for_status()
            items += len((await answer.json())["items"])
        took.append(time.perf_counter() - intended)

    async with ClientSession(url, timeout=ClientTimeout(PATIENCE)) as client:
        await asyncio.gather(
            *(read(client, user, began + number / rate) for number, user in enumerate(users))
        )
    return took, items


def _store_requests(url: str) -> float:
    with httpx.Client(base_url=url, timeout=PATIENCE) as client:
        return count_store_requests(client)


def measure_talks(url: str, users: Sequence[int], rate: float) -> Table:
    """Return a table of the figures of each listing."""
    table = Table("listing", "p50 ms", "p99 ms", "store requests", "items")
    for listing in LISTINGS:
        asyncio.run(measure_listing(url, listing, users[:WARM_UP], rate))
        before = _store_requests(url)
        took, items = asyncio.run(measure_listing(url, listing, users[WARM_UP:], rate))
        figures = percentiles([1_000 * each for each in took]) or {}
        requests = (_store_requests(url) - before) / len(took)
        cells = (figures["p50"], figures["p99"], requests, items / len(took))
        table.add_row(listing, *(f"{each:.1f}" for each in cells))
    return table


@click.command()
@click.option("--posts", default=1_000_000, show_default=True)
@click.option("--rate", default=20.0, show_default=True, help="Pages per second.")
@click.option("--seconds", default=60.0, show_default=True, help="For each listing.")
@click.option("--seed", default=1, show_default=True)
@click.option("--keyspace", help="A keyspace that was filled before with the same seed.")
def main(posts: int, rate: float, seconds: float, seed: int, keyspace: str | None) -> None:
    """Measure pages of talks on a keyspace with this many posts."""
    name = keyspace or f"talks_{uuid4().hex[:12]}"
    world = make_world(posts, seed, now_ms())
    if keyspace is None:
        settings = Settings.model_validate({"cassandra_keyspace": name})
        with click.progressbar(length=posts, label=f"filling {name}") as bar:
            asyncio.run(fill_keyspace(settings, world, seed, now_ms, bar.update))
        took = asyncio.run(fill_talks(settings, world, seed, now_ms))
        click.echo(f"talks of {posts:,} posts written in {took:.0f} s")
    count = WARM_UP + int(rate * seconds)
    users = np.random.default_rng(seed).choice(np.unique(world.users[world.authors]), count)
    with run_api_on(name) as api:
        Console().print(measure_talks(api.url, users.tolist(), rate))


if __name__ == "__main__":
    main()
