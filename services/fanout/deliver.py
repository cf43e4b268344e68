"""Handlers of our own requests: pages of a fan-out, and backfills."""

from collections.abc import Iterable, Sequence

import numpy as np

from schemas.ids import IdArray, PostId, UserId
from schemas.requests import BackfillFollow, DeliverPage
from services.graph.store import GraphStore, SlotRange
from services.handling import Accepted
from services.metrics import Metrics
from services.timelines.retention import Clock, Retention
from services.timelines.store import Span, TimelineStore

ENTRIES_AT_ONCE = 65_536
"""Entries written by one call, 4 MB packed: enough for 256 to each of 256 shards, and with four
calls at a time less than what is finished before partitions have to go."""
BACKFILL_PAGE = 1_000
"""Entries of one author read at a time: 8 KB, a busy author's month."""


class DeliverPages:
    """Writes posts into the home timelines of the followers in their slot ranges."""

    def __init__(
        self,
        graph: GraphStore,
        timelines: TimelineStore,
        metrics: Metrics,
        clock: Clock,
        lane: str = "push",
    ) -> None:
        self._graph = graph
        self._timelines = timelines
        self._metrics = metrics
        self._clock = clock
        self._lane = lane

    async def __call__(self, batch: Sequence[Accepted[DeliverPage]]) -> int:
        # One list serves all posts of an author in the batch: their author timelines were
        # written before their pages were produced, hence before the list is read.
        pages = [each.message for each in batch]
        pages = pages[: _enough(page.entries for page in pages)]
        ranges = {_range(page): None for page in pages}
        followers = dict(zip(ranges, await self._graph.followers(list(ranges)), strict=True))
        users = [followers[_range(page)] for page in pages]
        users = users[: _enough(map(len, users))]
        pages = pages[: len(users)]
        posts = np.array([page.post_id for page in pages], np.int64)
        counts = [len(each) for each in users]
        await self._timelines.add_home_entries(np.concatenate(users), np.repeat(posts, counts))
        self._measure(pages, sum(counts))
        return len(pages)

    def _measure(self, pages: Sequence[DeliverPage], entries: int) -> None:
        now = self._clock()
        self._metrics.fanout_entries_written.labels(self._lane).inc(entries)
        latency = self._metrics.delivery_latency_seconds.labels(self._lane)
        for page in pages:
            latency.observe(max(0, now - page.accepted_at) / 1_000)


def _enough(entries: Iterable[int]) -> int:
    """How many pages, from the first, are done at a time; a larger one stands alone."""
    total = pages = 0
    for each in entries:
        total += each
        if pages and total > ENTRIES_AT_ONCE:
            break
        pages += 1
    return pages


def _range(page: DeliverPage) -> SlotRange:
    return SlotRange(UserId(page.author_id), page.slot_from, page.slot_to)


class Backfill:
    """Writes what followees wrote within the retention into their followers' home timelines."""

    def __init__(self, timelines: TimelineStore, retention: Retention, clock: Clock) -> None:
        self._timelines = timelines
        self._retention = retention
        self._clock = clock

    async def __call__(self, batch: Sequence[Accepted[BackfillFollow]]) -> None:
        followers: dict[UserId, set[int]] = {}
        for each in batch:
            author = UserId(each.message.followee_id)
            followers.setdefault(author, set()).add(each.message.follower_id)
        floor = self._retention.floor(self._clock())
        left = {author: Span(above=floor) for author in followers}
        while left:
            # The spans differ only where an author has more than a page.
            span = min(left.values(), key=lambda each: each.below)
            same = [author for author, each in left.items() if each == span]
            pages = await self._timelines.author_pages(same, span, BACKFILL_PAGE)
            await self._write(followers, pages)
            for author in same:
                page = pages.get(author, [])
                if len(page) < BACKFILL_PAGE:
                    del left[author]
                else:
                    left[author] = span._replace(below=page[-1])

    async def _write(
        self, followers: dict[UserId, set[int]], pages: dict[UserId, list[PostId]]
    ) -> None:
        users: list[IdArray] = []
        posts: list[IdArray] = []
        for author, page in pages.items():
            readers = np.array(sorted(followers[author]), np.int64)
            users.append(np.repeat(readers, len(page)))
            posts.append(np.tile(np.array(page, np.int64), len(readers)))
        if users:
            await self._timelines.add_home_entries(np.concatenate(users), np.concatenate(posts))
