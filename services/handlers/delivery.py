"""Handlers of requests: fan-out pages and backfills."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from schemas.ids import IdArray, UserId
from schemas.requests import BackfillFollow, DeliverPage
from services.clock import Clock
from services.graph.store import GraphStore, SlotRange
from services.handlers.handler import Accepted
from services.metrics.metrics import Metrics
from services.reposts.store import RepostStore, post_of
from services.retention import Retention
from services.span import Span
from services.stores import Stores
from services.timelines.author_pages import scan_author_pages
from services.timelines.store import EntryBlock, HomeTimelineStore

ENTRIES_AT_ONCE = 65_536
"""Entries written by one call, 4 MB packed: 256 for each of 256 shards. Four calls at a time finish
before revoked partitions have to be released."""
BULK_ENTRIES_AT_ONCE = 16_384
"""Entries written by one call in the bulk lane: four pages. Each covers at least a whole shard of
one author's followers, so that gathering more saves nothing, and other requests to the store wait
behind no more than these."""
BACKFILL_PAGE = 1_000
"""Entries of one author read at a time, 8 KB: a busy author's month."""

ActiveFollowers: TypeAlias = Callable[[IdArray], IdArray]
"""Returns the users that fan-out must still write to; the homes of the others are rebuilt when they
return."""


def everyone_active(users: IdArray) -> IdArray:
    """Return all users: none are left out."""
    return users


class DeliverPages:
    """Writes posts into the home timelines of the followers in their slot ranges."""

    def __init__(  # noqa: PLR0913 - a composition, all by keyword
        self,
        *,
        graph: GraphStore,
        home_timelines: HomeTimelineStore,
        reposts: RepostStore,
        metrics: Metrics,
        clock: Clock,
        lane: str = "push",
        entries_at_once: int = ENTRIES_AT_ONCE,
        active_followers: ActiveFollowers = everyone_active,
    ) -> None:
        self._graph = graph
        self._home_timelines = home_timelines
        self._reposts = reposts
        self._metrics = metrics
        self._clock = clock
        self._lane = lane
        self._entries_at_once = entries_at_once
        self._active_followers = active_followers

    async def __call__(self, batch: Sequence[Accepted[DeliverPage]]) -> int:
        # One list serves all posts of an author in the batch: their author timelines were
        # written before their pages were produced, hence before the list is read.
        pages = [each.message for each in batch]
        pages = pages[: _pages_at_once((page.entries for page in pages), self._entries_at_once)]
        ranges = {_range(page): None for page in pages}
        followers = dict(zip(ranges, await self._graph.followers(list(ranges)), strict=True))
        active = {each: self._active_followers(users) for each, users in followers.items()}
        users = [active[_range(page)] for page in pages]
        users = users[: _pages_at_once(map(len, users), self._entries_at_once)]
        pages = pages[: len(users)]
        await asyncio.gather(
            self._home_timelines.add_home_entries(_blocks(pages, active)),
            self._add_reposts(pages, users),
        )
        entries = sum(map(len, users))
        left_out = sum(len(followers[_range(page)]) for page in pages) - entries
        self._metrics.fanout_entries_left_out.labels(self._lane).inc(left_out)
        self._measure(pages, entries)
        return len(pages)

    async def _add_reposts(self, pages: Sequence[DeliverPage], users: Sequence[IdArray]) -> None:
        """Write reposts below their originals too, where readers look for a window's reposts."""
        reposts = [
            (page.original_id, page.post_id, receivers)
            for page, receivers in zip(pages, users, strict=True)
            if page.original_id is not None
        ]
        if reposts:
            originals, posts, followers = zip(*reposts, strict=True)
            await self._reposts.add_home_reposts(
                np.concatenate(followers),
                _repeated(originals, followers),
                _repeated(posts, followers),
            )

    def _measure(self, pages: Sequence[DeliverPage], entries: int) -> None:
        now = self._clock()
        self._metrics.fanout_entries_written.labels(self._lane).inc(entries)
        latency = self._metrics.delivery_latency_seconds.labels(self._lane)
        for page in pages:
            latency.observe(max(0, now - page.accepted_at) / 1_000)


def _pages_at_once(entries: Iterable[int], limit: int) -> int:
    """Return how many pages, from the first, fit the limit; a larger page is handled alone."""
    total = pages = 0
    for each in entries:
        total += each
        if pages and total > limit:
            break
        pages += 1
    return pages


def _blocks(
    pages: Iterable[DeliverPage], followers: Mapping[SlotRange, IdArray]
) -> list[EntryBlock]:
    """Return one block for all posts that go to the same followers."""
    posts: dict[SlotRange, set[int]] = {}
    for page in pages:
        posts.setdefault(_range(page), set()).add(page.post_id)
    return [EntryBlock(followers[span], np.array(sorted(ids))) for span, ids in posts.items()]


def _repeated(posts: Sequence[int], users: Sequence[IdArray]) -> IdArray:
    """Return each post as often as it has users."""
    return np.repeat(np.array(posts, np.int64), list(map(len, users)))


def _range(page: DeliverPage) -> SlotRange:
    return SlotRange(UserId(page.author_id), page.slot_from, page.slot_to)


class Backfill:
    """Writes followees' posts within the retention into their new followers' home timelines."""

    def __init__(self, stores: Stores, retention: Retention, clock: Clock) -> None:
        self._author_timelines = stores.author_timelines
        self._home_timelines = stores.home_timelines
        self._reposts = stores.reposts
        self._retention = retention
        self._clock = clock

    async def __call__(self, batch: Sequence[Accepted[BackfillFollow]]) -> None:
        users: dict[UserId, set[int]] = {}
        for each in batch:
            author = UserId(each.message.followee_id)
            users.setdefault(author, set()).add(each.message.follower_id)
        followers = {author: np.array(sorted(ids), np.int64) for author, ids in users.items()}
        span = Span(above=self._retention.floor(self._clock()))
        await asyncio.gather(self._add_entries(followers, span), self._add_reposts(followers, span))

    async def _add_entries(self, followers: dict[UserId, IdArray], span: Span) -> None:
        async for pages in scan_author_pages(
            self._author_timelines.author_pages, followers, span, BACKFILL_PAGE, int
        ):
            await self._home_timelines.add_home_entries(
                [
                    EntryBlock(followers[author], np.array(page, np.int64))
                    for author, page in pages.items()
                ]
            )

    async def _add_reposts(self, followers: dict[UserId, IdArray], span: Span) -> None:
        async for pages in scan_author_pages(
            self._reposts.author_pages, followers, span, BACKFILL_PAGE, post_of
        ):
            users, reposts = _to_all(followers, pages)
            await self._reposts.add_home_reposts(users, reposts[:, 1], reposts[:, 0])


def _to_all(
    followers: dict[UserId, IdArray], pages: Mapping[UserId, Sequence[Any]]
) -> tuple[IdArray, IdArray]:
    """Pair every repost of an author with each follower: the followers, and their repost rows."""
    users, rows = [], []
    for author, page in pages.items():
        users.append(np.repeat(followers[author], len(page)))
        rows.append(np.tile(np.array(page, np.int64), (len(followers[author]), 1)))
    return np.concatenate(users), np.concatenate(rows)
