"""Checks that homes hold every delivery and nothing else: all rows, and some through the API."""

from typing import NamedTuple

import httpx
import numpy as np

from loadtest.bench import Bench, SentEvents
from loadtest.expected import NO_ENTRIES, Entries, EntryDifference, ExpectedHomes, compare_entries
from loadtest.figures import Figures, percentiles
from loadtest.graph import FollowerLists
from loadtest.store import HOME_SHARDS, RunStore

HOMES_CHECKED = 50
"""Homes that are read through the API and compared, entry by entry."""
PAGE = 20
ANSWER_SECONDS = 120.0
"""For a page on a busy machine: here it has to be right, not fast."""


class ComparedHomes(NamedTuple):
    """Entries of all homes, and how they differ from the expected ones."""

    difference: EntryDifference
    entries: int
    rows_per_shard: Figures | None


class ShownHomes(NamedTuple):
    """Numbers of homes that the API showed, and showed wrongly."""

    read: int
    wrong: int


async def compare_homes(
    store: RunStore, edges: FollowerLists, ended: FollowerLists, posts: Entries
) -> ComparedHomes:
    """Compare all rows of all homes with the posts that followers must get.

    Entries by edges that ended during the run may be there or not.
    """
    expected = ExpectedHomes(edges.followees, edges.followers, posts, HOME_SHARDS)
    allowed = ExpectedHomes(ended.followees, ended.followers, posts, HOME_SHARDS)
    seen: set[int] = set()
    total = EntryDifference(0, 0)
    sizes: list[int] = []
    async for shard, found in store.shards():
        seen.add(shard)
        sizes.append(len(found))
        total += compare_entries(expected.of(shard), found, allowed.of(shard))
    for shard in set(range(HOME_SHARDS)) - seen:
        total += compare_entries(expected.of(shard), NO_ENTRIES)
    return ComparedHomes(total, sum(sizes), percentiles(sizes))


async def check_shown_homes(bench: Bench, sent: SentEvents) -> ShownHomes:
    """Check the newest page of some readers.

    With replies none is checked: then reading rules, not deliveries, decide what is shown.
    """
    if bench.reader is None or sent.has_replies:
        return ShownHomes(0, 0)
    edges, posts = sent.current_edges(), sent.author_posts()
    readers = bench.graph.readers[:HOMES_CHECKED].tolist()
    wrong = 0
    async with httpx.AsyncClient(timeout=ANSWER_SECONDS) as client:
        for each in readers:
            followees = edges.followees[edges.followers == each]
            newest = np.sort(posts.posts[np.isin(posts.users, followees)])[::-1][:PAGE]
            wrong += await bench.reader.newest_page(client, each) != newest.tolist()
    return ShownHomes(len(readers), wrong)
