"""What searches and tag timelines cost when a million posts are stored.

    python -m loadtest.searches --keyspace pages_0123456789ab

It asks an API on a keyspace that `loadtest.home_pages` filled (without `--keyspace` it fills one
as that does), each search with words of its own, one after the other, and prints what a page took
and how many store requests it made.
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
"""Of each kind that are measured."""
WARM_UP = 10
"""Of each kind before those."""


class SearchCase(NamedTuple):
    """A kind of search: its name, and what is asked for, page after page."""

    name: str
    asks: Iterator[tuple[str, Mapping[str, str | int]]]


class SearchTimes(NamedTuple):
    """Of pages of one kind: milliseconds of each, store requests and items a page."""

    ms: list[float]
    requests: float
    items: float


def search_cases(made: StoredWorld, rng: np.random.Generator) -> list[SearchCase]:
    """What people search for, from common to nowhere."""

    def by_words(name: str, *ranks: tuple[int, int]) -> SearchCase:
        def asks() -> Iterator[tuple[str, Mapping[str, str | int]]]:
            while True:
                chosen = {stored_word(int(rng.integers(*each))) for each in ranks}
                yield "/v1/search", {"q": " ".join(sorted(chosen))}

        return SearchCase(name, asks())

    def by_author() -> Iterator[tuple[str, Mapping[str, str | int]]]:
        while True:
            yield "/v1/search", {"author": int(rng.choice(made.users))}

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
    """Asks for pages one after the other. Raises httpx.HTTPError."""
    for path, asked in islice(search.asks, WARM_UP):
        client.get(path, params=asked).raise_for_status()
    before, ms, items = _requests(client), [], 0
    for path, asked in islice(search.asks, PAGES):
        began = perf_counter()
        answer = client.get(path, params=asked)
        ms.append(1_000 * (perf_counter() - began))
        items += len(answer.raise_for_status().json()["items"])
    return SearchTimes(ms, (_requests(client) - before) / PAGES, items / PAGES)


def _requests(client: httpx.Client) -> float:
    """Store requests of the API so far."""
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
@click.option("--keyspace", help="One that was filled before, with the same seed.")
def main(posts: int, seed: int, keyspace: str | None) -> None:
    """Measure searches and tag timelines on a keyspace with so many posts."""
    name, made = fill_store(posts, seed, keyspace)
    table = Table("search", "p50 ms", "p99 ms", "store requests", "items")
    with run_api_on(name) as api, httpx.Client(base_url=api.url, timeout=PATIENCE) as client:
        for search in search_cases(made, np.random.default_rng(seed)):
            took = measure_searches(client, search)
            figures = percentiles(took.ms) or {}
            shown = (figures["p50"], figures["p99"], took.requests, took.items)
            table.add_row(search.name, *(f"{each:.1f}" for each in shown))
    Console().print(table)


if __name__ == "__main__":
    main()
