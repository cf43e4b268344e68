"""Measures how long a home page takes over a million posts, in an open loop on one API process.

    python -m loadtest.home_pages --posts 1000000 --rate 50 --seconds 60

It fills a keyspace of its own in the Cassandra of the settings, through the same stores as the
workers, starts an API on it, requests pages of random viewers at their intended times, and prints
percentiles of the time from then to the answer. The keyspace is kept, and can be used again with
`--keyspace`.
"""

import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from uuid import uuid4

import click
import numpy as np
from aiohttp import ClientSession, ClientTimeout, TCPConnector

from loadtest.bench import wait_until_ready
from loadtest.figures import percentiles
from loadtest.machine import usage
from loadtest.processes import Program, Programs
from loadtest.stored_world import StoredWorld, fill_keyspace, make_world
from services.clock import now_ms
from services.settings.settings import Settings

WARM_UP = 200
"""Pages read before the measured ones, so that statements are prepared and connections open."""
CONNECTIONS = 200
PATIENCE = 30.0
"""Seconds for a page: a machine that cannot keep up shows in the figures, not as an error."""


async def measure_pages(
    url: str, viewers: Sequence[int], rate: float, seconds: float, view: str
) -> list[float]:
    """Return the seconds of each page from its intended time, in a loop that awaits no answer."""
    took: list[float] = []
    began = time.perf_counter()

    async def read_page(client: ClientSession, viewer: int, intended: float) -> None:
        await asyncio.sleep(intended - time.perf_counter())
        async with client.get(f"/v1/users/{viewer}/home", params={"view": view}) as answer:
            answer.raise_for_status()
            await answer.read()
        took.append(time.perf_counter() - intended)

    connector, timeout = TCPConnector(limit=CONNECTIONS), ClientTimeout(PATIENCE)
    async with ClientSession(url, connector=connector, timeout=timeout) as client:
        await asyncio.gather(
            *(
                read_page(client, viewers[number % len(viewers)], began + number / rate)
                for number in range(int(rate * seconds))
            )
        )
    return took


def _cpu_seconds(program: Program) -> float:
    used = usage(program.process.pid)
    return float("nan") if used is None else used.cpu_seconds


def fill_store(posts: int, seed: int, keyspace: str | None) -> tuple[str, StoredWorld]:
    """Return a keyspace that holds this many posts, and what is in it. Fills it unless named."""
    name = keyspace or f"pages_{uuid4().hex[:12]}"
    world = make_world(posts, seed, now_ms())
    if keyspace is None:
        settings = Settings.model_validate({"cassandra_keyspace": name})
        with click.progressbar(length=posts, label=f"filling {name}") as bar:
            asyncio.run(fill_keyspace(settings, world, seed, now_ms, bar.update))
    return name, world


@contextmanager
def run_api_on(keyspace: str) -> Iterator[Program]:
    """Run an API process on a keyspace; yield it once it is ready."""
    folder = Path(mkdtemp(prefix="mingle-pages-"))
    settings = {"MINGLE_CASSANDRA_KEYSPACE": keyspace, "MINGLE_API_RATE": "0"}
    programs = Programs(settings, folder)
    api = programs.start("api", "api", port_setting="MINGLE_API_PORT")
    try:
        asyncio.run(wait_until_ready(api))
        yield api
    finally:
        programs.stop([api])


@click.command()
@click.option("--posts", default=1_000_000, show_default=True)
@click.option("--rate", default=50.0, show_default=True, help="Pages per second.")
@click.option("--seconds", default=60.0, show_default=True)
@click.option("--view", type=click.Choice(("latest", "signal")), default="latest",
              show_default=True, help="Newest first, or by signal.")  # fmt: skip
@click.option("--seed", default=1, show_default=True)
@click.option("--keyspace", help="A keyspace that was filled before with the same seed.")
def main(  # noqa: PLR0913 - one for each option
    *, posts: int, rate: float, seconds: float, view: str, seed: int, keyspace: str | None
) -> None:
    """Measure home pages, in milliseconds, on a keyspace with this many posts."""
    name, world = fill_store(posts, seed, keyspace)
    viewers = np.random.default_rng(seed).permutation(world.viewers()).tolist()
    with run_api_on(name) as api:
        asyncio.run(measure_pages(api.url, viewers, rate, WARM_UP / rate, view))
        before = _cpu_seconds(api)
        took = asyncio.run(measure_pages(api.url, viewers, rate, seconds, view))
        used = _cpu_seconds(api) - before
    figures = percentiles([1_000 * each for each in took]) or {}
    figures["api_cpu"] = 1_000 * used / len(took)
    click.echo(json.dumps({name: round(value, 1) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
