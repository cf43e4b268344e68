"""Whether homes hold every delivery and nothing else: all rows, and some homes through the API."""

from typing import NamedTuple

import httpx
import numpy as np

from loadtest.bench import Bench, Ledger
from loadtest.expected import NOTHING, Difference, Entries, Owed, difference
from loadtest.figures import Figures, percentiles
from loadtest.store import HOME_SHARDS, RunStore

HOMES = 50
"""Read through the API and compared, entry by entry."""
PAGE = 20


class Verified(NamedTuple):
    """What was found."""

    difference: Difference
    entries: int
    rows_per_partition: Figures | None
    homes: int
    wrong_homes: int


async def verify(store: RunStore, bench: Bench, ledger: Ledger) -> Verified:
    """Reads everything."""
    edges, written, ended = ledger.edges(), ledger.written(), ledger.ended()
    owed = Owed(edges.followees, edges.followers, written, HOME_SHARDS)
    maybe = Owed(ended.followees, ended.followers, written, HOME_SHARDS)
    seen: set[int] = set()
    total = Difference(0, 0)
    sizes: list[int] = []
    async for shard, found in store.shards():
        seen.add(shard)
        sizes.append(len(found))
        total += difference(owed.of(shard), found, maybe.of(shard))
    for shard in set(range(HOME_SHARDS)) - seen:
        total += difference(owed.of(shard), NOTHING)
    homes, wrong = await _homes(bench, ledger, written)
    return Verified(total, sum(sizes), percentiles(sizes), homes, wrong)


async def _homes(bench: Bench, ledger: Ledger, written: Entries) -> tuple[int, int]:
    """The newest page of some readers. With replies, rules of reading decide, not deliveries."""
    if bench.reader is None or ledger.has_replies:
        return 0, 0
    edges = ledger.edges()
    readers = bench.people.readers[:HOMES].tolist()
    wrong = 0
    async with httpx.AsyncClient(timeout=30.0) as client:
        for each in readers:
            followees = edges.followees[edges.followers == each]
            posts = np.sort(written.posts[np.isin(written.users, followees)])[::-1]
            wrong += await bench.reader.home(client, each) != posts[:PAGE].tolist()
    return len(readers), wrong
