"""Timestamps and bucket by bucket reads that both TermStore adapters in Cassandra use."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, TypeAlias

from schemas.ids import PostId
from services.search.store import MAX_TERM_VERSION
from services.span import Span
from services.storage.statements import KEYS_AT_ONCE

ADDED = 1
"""The write timestamp of rows that nothing removes. Entries of before terms had versions have it
too."""
REMOVED = MAX_TERM_VERSION + 1
"""The write timestamp of what a deletion removes: it stays so when it is added again."""
NEAREST_BUCKETS = 2
"""Buckets read first: a busy term fills a page from them. For a rare term the others are then read
together."""

ReadBuckets: TypeAlias = Callable[[Sequence[int]], Iterable[Awaitable[list[tuple[Any, ...]]]]]
"""Returns the requests that read post ids from these buckets."""


async def read_nearest(
    read: ReadBuckets, buckets: Sequence[int], terms: int, span: Span, limit: int
) -> list[PostId]:
    """Return up to `limit` posts from buckets, which are in the span's order, each post once.

    `terms` is how many terms one request asks for: it bounds how many buckets fit beside them.
    """
    found: set[PostId] = set()
    most = NEAREST_BUCKETS
    while buckets and len(found) < limit:
        nearest, buckets = buckets[:most], buckets[most:]
        found |= {post for rows in await asyncio.gather(*read(nearest)) for (post,) in rows}
        most = max(NEAREST_BUCKETS, KEYS_AT_ONCE // terms)
    return sorted(found, reverse=span.newest_first)[:limit]
