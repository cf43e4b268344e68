"""Measures what searches and tag timelines cost over a million posts.

    python -m loadtest.searches --keyspace pages_0123456789ab

Runs an API on a keyspace that `loadtest.home_pages` filled (without `--keyspace` it fills one
likewise), sends searches with different words one after the other, and prints the time of a page
and the number of its store requests.
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from time import perf_counter
from typing import NamedTuple

import click
import httpx
import numpy as np
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console
from rich.table import Table

from loadtest.figures import percentiles
from loadtest.home_pages import PATIENCE, fill_store, run_api_on
from loadtest.stored_world import TAGS, WORDS, StoredWorld, stored_tag, stored_word

PAGES = 60
"""Measured pages of each case."""
WARM_UP = 10
"""Pages of each case before those."""


class SearchCase(NamedTuple):
    """A kind of search: its name, and the path and query of one request after the other."""

    name: str
    requests: Iterator[tuple[str, Mapping[str, str | int]]]


class SearchTimes(NamedTuple):
    """Milliseconds of each page of a case; store requests and items per page."""

    ms: list[float]
    store_requests: float
    items: float


def search_cases(world: StoredWorld, rng: np.random.Generator) -> list[SearchCase]:
    """Return kinds of searches, from common words to words that do not occur."""

    def by_words(name: str, *ranks: tuple[int, int]) -> SearchCase:
        def requests() -> Iterator[tuple[str, Mapping[str, str | int]]]:
            while True:
                chosen = {stored_word(int(rng.integers(*each))) for each in ranks}
                yield "/v1/search", {"q": " ".join(sorted(chosen))}

        return SearchCase(name, requests())

    def by_author() -> Iterator[tuple[str, Mapping[str, str | int]]]:
        while True:
            yield "/v1/search", {"author": int(rng.choice(world.users))}

    def by_tag(first: int, last: int) -> Iterator[tuple[str, Mapping[str, str | int]]]:
        while True:
            yield f"/v1/tags/{stored_tag(int(rng.integers(first, last)))}", {}

    return [
        by_words("one of the ten commonest words", (0, 10)),
        by_words("a word about the 1,000th", (900, 1_100)),
        by_words("a word about the 100,000th", (90_000, 110_000)),
        by_words("a word that is nowhere", (WORDS, 2 * WORDS)),
        by_words("two common words", (0, 5), (5, 10)),
        by_words("a common word and a rare one", (0, 10), (90_000, 110_000)),
        SearchCase("an author", by_author()),
        SearchCase("one of the ten commonest tags", by_tag(0, 10)),
        SearchCase("a tag about the 900th", by_tag(TAGS - 200, TAGS)),
    ]


def measure_searches(client: httpx.Client, search: SearchCase) -> SearchTimes:
    """Request pages one after the other. Raises httpx.HTTPError."""
    for path, query in islice(search.requests, WARM_UP):
        client.get(path, params=query).raise_for_status()
    before, ms, items = count_store_requests(client), [], 0
    for path, query in islice(search.requests, PAGES):
        began = perf_counter()
        answer = client.get(path, params=query)
        ms.append(1_000 * (perf_counter() - began))
        items += len(answer.raise_for_status().json()["items"])
    return SearchTimes(ms, (count_store_requests(client) - before) / PAGES, items / PAGES)


def count_store_requests(client: httpx.Client) -> float:
    """Return the number of store requests of the API so far."""
    text = client.get("/metrics").raise_for_status().text
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "timeline_store_request_seconds_count"
    )


@click.command()
@click.option("--posts", default=1_000_000, show_default=True)
@click.option("--seed", default=1, show_default=True)
@click.option("--keyspace", help="A keyspace that was filled before with the same seed.")
def main(posts: int, seed: int, keyspace: str | None) -> None:
    """Measure searches and tag timelines on a keyspace with this many posts."""
    name, world = fill_store(posts, seed, keyspace)
    table = Table("search", "p50 ms", "p99 ms", "store requests", "items")
    with run_api_on(name) as api, httpx.Client(base_url=api.url, timeout=PATIENCE) as client:
        for search in search_cases(world, np.random.default_rng(seed)):
            times = measure_searches(client, search)
            figures = percentiles(times.ms) or {}
            cells = (figures["p50"], figures["p99"], times.store_requests, times.items)
            table.add_row(search.name, *(f"{each:.1f}" for each in cells))
    Console().print(table)


if __name__ == "__main__":
    main()
