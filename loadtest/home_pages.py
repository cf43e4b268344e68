"""How long a home page takes when a million posts are stored: an open loop on one API process.

    python -m loadtest.home_pages --posts 1000000 --rate 50 --seconds 60

It fills a keyspace of its own on the Cassandra that the settings name, through the same stores as
the workers, starts an API on it, asks for pages of random viewers at their intended times, and
prints percentiles of what each took from that time on. The keyspace is kept: named again with
`--keyspace`, it is not filled again.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, NamedTuple
from uuid import uuid4

import click
import httpx
import numpy as np
from numpy.typing import NDArray

from loadtest.figures import percentiles
from loadtest.machine import usage
from loadtest.processes import Program, Programs
from schemas.events import FollowCreated, PostCreated, PostFact, ReplyCreated
from schemas.ids import DAY_MS, PostId, UserId, post_id
from services.posts.post import mutation
from services.posts.store import MAX_LINE
from services.relations.mutation import mutation as relation
from services.settings import Settings
from services.storage.migrations import available, migrate
from services.stores import Stores
from streams.bootstrap import cassandra_stores, connect_store, create_metrics, now
from streams.cli.configuration import load_settings

AUTHORS = 20_000
VIEWERS = 400
FOLLOWED = 200
"""By each viewer: a hundredth of all posts are in a home, 10,000 of a million."""
REPLIES, REPOSTS, MENTIONS = 0.3, 0.1, 0.1
"""Shares of all posts; what they answer and repost is among the thousand posts before them."""
DAYS = 29
AT_ONCE = 2_000
WARM_UP = 200
"""Pages read before the measured ones: statements are prepared, connections made."""
CONNECTIONS = 200
START_SECONDS = 60.0
PATIENCE = 30.0
"""Seconds for one page: a machine that cannot keep up shows in the figures, not as an error."""
TEXT = "the bread and the rain over a hill, a river, a garden: who comes with me in the morning? "


class World(NamedTuple):
    """Authors and posts by number, and whom each viewer follows: int64 arrays."""

    users: NDArray[np.int64]
    authors: NDArray[np.int64]
    posts: NDArray[np.int64]
    follows: NDArray[np.int64]  # (viewer, place) -> author's number


class Written(NamedTuple):
    """A message, and where its post stands."""

    fact: PostFact
    line: tuple[int, ...] = ()
    original: int | None = None  # of a repost, also of a repost of one


def world(posts: int, seed: int, until_ms: int) -> World:
    """The same for the same arguments."""
    rng = np.random.default_rng(seed)
    users = rng.choice(2**40, AUTHORS + VIEWERS, replace=False) + 1
    times = until_ms - DAYS * DAY_MS + np.sort(rng.integers(0, DAYS * DAY_MS, posts))
    ids = [post_id(at, number % 2**22) for number, at in enumerate(times.tolist())]
    follows = np.stack([rng.choice(AUTHORS, FOLLOWED, replace=False) for _ in range(VIEWERS)])
    return World(users, rng.integers(0, AUTHORS, posts), np.array(ids), follows)


def facts(made: World, seed: int, epoch: int) -> Iterator[Written]:
    """What the posts say, oldest first."""
    rng = np.random.default_rng(seed)
    count = len(made.posts)
    kinds, mentioning = rng.random(count), rng.random(count) < MENTIONS
    mentioned = made.users[rng.integers(0, AUTHORS, count)].tolist()
    lengths = rng.integers(4, 30, count).tolist()
    befores = np.maximum(np.arange(count) - rng.integers(1, 1_000, count), 0).tolist()
    authors, posts = made.users[made.authors].tolist(), made.posts.tolist()
    lines: dict[int, tuple[int, ...]] = {}
    originals: dict[int, int] = {}
    for number, (author, post, kind) in enumerate(zip(authors, posts, kinds, strict=True)):
        before = posts[befores[number]] if number else None
        said: dict[str, Any] = {
            "version": ((post >> 22) + epoch) * 1_000,
            "post_id": post,
            "author_id": author,
        }
        if before is not None and kind < REPOSTS:
            originals[post] = originals.get(before, before)
            yield Written(PostCreated(**said, repost_of=before), original=originals[post])
            continue
        said["text"] = (TEXT * 3)[number % len(TEXT) :][: 8 * lengths[number]]
        said["mentions"] = (mentioned[number],) if mentioning[number] else ()
        if before is not None and kind < REPOSTS + REPLIES:
            lines[post] = (before, *lines.get(before, ()))[:MAX_LINE]
            yield Written(ReplyCreated(**said, parent_id=before), lines[post])
        else:
            yield Written(PostCreated(**said))


async def fill(settings: Settings, made: World, seed: int) -> None:
    """Write what reading a home needs, as workers do."""
    await migrate(settings, available())
    store = await connect_store(settings, create_metrics())
    stores = cassandra_stores(store, settings)
    try:
        viewers = [UserId(each) for each in made.users[AUTHORS:].tolist()]
        for viewer, followed in zip(viewers, made.follows, strict=True):
            edges = [
                FollowCreated(version=1, follower_id=viewer, followee_id=int(made.users[each]))
                for each in followed
            ]
            await stores.relations.record([relation(each) for each in edges])
        followers: list[list[int]] = [[] for _ in range(AUTHORS)]
        for viewer, followed in zip(viewers, made.follows, strict=True):
            for each in followed:
                followers[each].append(viewer)
        written = zip(facts(made, seed, settings.epoch), made.authors.tolist(), strict=True)
        while batch := list(islice(written, AT_ONCE)):
            await _write(stores, batch, followers)
            sys.stderr.write(".")
    finally:
        await store.close()


async def _write(
    stores: Stores, batch: Sequence[tuple[Written, int]], followers: Sequence[Sequence[int]]
) -> None:
    owed = [
        (user, each.fact.post_id, each.original or 0)
        for each, author in batch
        for user in (each.fact.author_id, *followers[author])
    ]
    users, posts, originals = np.array(owed, np.int64).T
    again = originals > 0
    lines = {
        (PostId(each.fact.post_id), UserId(each.fact.author_id)): [
            PostId(post) for post in each.line
        ]
        for each, _ in batch
        if each.line
    }
    await asyncio.gather(
        stores.posts.record([mutation(each.fact) for each, _ in batch]),
        stores.posts.hint(lines),
        stores.timelines.add_home_entries(users, posts),
        stores.reposts.add_home_reposts(users[again], originals[again], posts[again]),
    )


async def pages(url: str, viewers: Sequence[int], rate: float, seconds: float) -> list[float]:
    """Seconds of each page, from its intended time on: an open loop, which waits for no answer."""
    took: list[float] = []
    begun = time.perf_counter()

    async def one(client: httpx.AsyncClient, viewer: int, intended: float) -> None:
        await asyncio.sleep(intended - time.perf_counter())
        answer = await client.get(f"/v1/users/{viewer}/home")
        answer.raise_for_status()
        took.append(time.perf_counter() - intended)

    limits = httpx.Limits(max_connections=CONNECTIONS)
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=PATIENCE) as client:
        await asyncio.gather(
            *(
                one(client, viewers[number % len(viewers)], begun + number / rate)
                for number in range(int(rate * seconds))
            )
        )
    return took


async def ready(program: Program) -> None:
    """Raises ProgramFailed, TimeoutError."""
    async with asyncio.timeout(START_SECONDS), httpx.AsyncClient(base_url=program.url) as client:
        while True:
            program.require()
            with suppress(httpx.TransportError):
                if (await client.get("/readyz")).is_success:
                    return
            await asyncio.sleep(0.1)


def _cpu(program: Program) -> float:
    used = usage(program.process.pid)
    return float("nan") if used is None else used.cpu_seconds


@click.command()
@click.option("--posts", default=1_000_000, show_default=True)
@click.option("--rate", default=50.0, show_default=True, help="Pages a second.")
@click.option("--seconds", default=60.0, show_default=True)
@click.option("--seed", default=1, show_default=True)
@click.option("--keyspace", help="One that was filled before, with the same seed.")
def main(posts: int, rate: float, seconds: float, seed: int, keyspace: str | None) -> None:
    """Measure home pages, in milliseconds, on a keyspace with so many posts."""
    name = keyspace or f"pages_{uuid4().hex[:12]}"
    settings = load_settings().model_copy(update={"cassandra_keyspace": name})
    made = world(posts, seed, now())
    if keyspace is None:
        begun = time.perf_counter()
        asyncio.run(fill(settings, made, seed))
        click.echo(f"{name} filled in {time.perf_counter() - begun:.0f} s")
    viewers = np.random.default_rng(seed).permutation(made.users[AUTHORS:]).tolist()
    programs = Programs({"MINGLE_CASSANDRA_KEYSPACE": name}, Path(mkdtemp(prefix="mingle-pages-")))
    api = programs.start("api", "api", port_setting="MINGLE_API_PORT")
    try:
        asyncio.run(ready(api))
        asyncio.run(pages(api.url, viewers, rate, WARM_UP / rate))
        before = _cpu(api)
        took = asyncio.run(pages(api.url, viewers, rate, seconds))
        used = _cpu(api) - before
    finally:
        programs.stop([api])
    figures = percentiles([1_000 * each for each in took]) or {}
    figures["api_cpu"] = 1_000 * used / len(took)
    click.echo(json.dumps({name: round(value, 1) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
