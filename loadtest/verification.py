"""Whether homes hold every delivery and nothing else: all rows, and some homes through the API."""

from typing import NamedTuple

import httpx
import numpy as np

from loadtest.bench import Bench, SentEvents
from loadtest.expected import NO_ENTRIES, Entries, EntryDifference, ExpectedHomes, compare_entries
from loadtest.figures import Figures, percentiles
from loadtest.graph import FollowerLists
from loadtest.store import HOME_SHARDS, RunStore

HOMES_CHECKED = 50
"""Read through the API and compared, entry by entry."""
PAGE = 20
ANSWER_SECONDS = 120.0
"""For a page on a machine that is busy: here it has to be right, not fast."""


class ComparedHomes(NamedTuple):
    """What all homes together hold."""

    difference: EntryDifference
    entries: int
    rows_per_shard: Figures | None


class ShownHomes(NamedTuple):
    """What the API showed of some."""

    read: int
    wrong: int


async def compare_homes(
    store: RunStore, edges: FollowerLists, ended: FollowerLists, written: Entries
) -> ComparedHomes:
    """All rows of all homes with what the edges owe of what was written."""
    owed = ExpectedHomes(edges.followees, edges.followers, written, HOME_SHARDS)
    maybe = ExpectedHomes(ended.followees, ended.followers, written, HOME_SHARDS)
    seen: set[int] = set()
    total = EntryDifference(0, 0)
    sizes: list[int] = []
    async for shard, found in store.shards():
        seen.add(shard)
        sizes.append(len(found))
        total += compare_entries(owed.of(shard), found, maybe.of(shard))
    for shard in set(range(HOME_SHARDS)) - seen:
        total += compare_entries(owed.of(shard), NO_ENTRIES)
    return ComparedHomes(total, sum(sizes), percentiles(sizes))


async def check_shown_homes(bench: Bench, ledger: SentEvents) -> ShownHomes:
    """The newest page of some readers. With replies, rules of reading decide, not deliveries."""
    if bench.reader is None or ledger.has_replies:
        return ShownHomes(0, 0)
    edges, written = ledger.edges(), ledger.written()
    readers = bench.people.readers[:HOMES_CHECKED].tolist()
    wrong = 0
    async with httpx.AsyncClient(timeout=ANSWER_SECONDS) as client:
        for each in readers:
            followees = edges.followees[edges.followers == each]
            posts = np.sort(written.posts[np.isin(written.users, followees)])[::-1]
            wrong += await bench.reader.home(client, each) != posts[:PAGE].tolist()
    return ShownHomes(len(readers), wrong)
