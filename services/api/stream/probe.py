"""Probing for new entries: one question to the store for all who stream, instead of one for each.

What is pulled into homes is in none of them: new posts of pulled authors are looked for where they
stand, and wake those who follow their authors.

A hint and no more. What it overlooks, and all that is no entry (edits, blocks, what expires), is
found by the next look of the stream, which comes anyway.
"""

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import Final, TypeAlias

import structlog

from schemas.ids import PostId, UserId, first_post_id
from services.clock import Clock
from services.errors import Transient
from services.pulled.authors import PulledAuthors
from services.span import Span
from services.stores import Stores

FRESH_MS: Final = 60_000
"""Post time of what is probed for: entries that come later than this wait for the next look."""

MAX_PROBED_PAIRS: Final = 10_000
"""Of a reader and an author, asked for in one round: some twenty requests."""

Wake: TypeAlias = Callable[[], None]

_log = structlog.get_logger(__name__)


class NewEntryProbe:
    """Wakes those who wait for a user when his home has new entries; idle while nobody waits."""

    def __init__(
        self, stores: Stores, pulled: PulledAuthors, clock: Clock, epoch: int, seconds: float
    ) -> None:
        self._stores = stores
        self._pulled = pulled
        self._clock = clock
        self._epoch = epoch
        self._seconds = seconds
        self._waiting: dict[UserId, list[Wake]] = {}
        self._known: Mapping[UserId, frozenset[PostId]] = {}
        self._written: Mapping[UserId, PostId] = {}
        self._probing: asyncio.Task[None] | None = None

    @contextmanager
    def subscription(self, user: UserId, wake: Wake) -> Iterator[None]:
        """Calls `wake` when entries arrive, until the context ends; once too often is no harm."""
        self._waiting.setdefault(user, []).append(wake)
        if self._probing is None or self._probing.done():
            self._probing = asyncio.create_task(self._probe())
        try:
            yield
        finally:
            self._waiting[user].remove(wake)
            if not self._waiting[user]:
                del self._waiting[user]

    async def _probe(self) -> None:
        while self._waiting:
            try:
                await self._round()
            except Transient as error:
                _log.warning("the store did not say what arrived", error=repr(error))
            except Exception as error:  # noqa: BLE001 - as a bug in one request ends no process
                _log.error("a probe met a bug", exc_info=error)
            await asyncio.sleep(self._seconds)

    async def _round(self) -> None:
        above = PostId(first_post_id(self._clock() - FRESH_MS, self._epoch))
        homes = await self._stores.home_timelines.pin()
        found = await homes.arrivals(list(self._waiting), above)
        before, self._known = self._known, {user: frozenset(found[user]) for user in found}
        arrived = {
            user for user, posts in self._known.items() if posts - before.get(user, frozenset())
        }
        for user in arrived | await self._followers_of(await self._authors_since(above)):
            for wake in self._waiting.get(user, ()):
                wake()

    async def _authors_since(self, above: PostId) -> set[UserId]:
        """The pulled authors who wrote since, and since the last round."""
        authors = (await self._pulled.flagged_buckets()).keys()
        if not authors:
            return set()
        recent = await self._stores.author_timelines.author_pages(authors, Span(above), 1)
        before, self._written = self._written, {each: page[0] for each, page in recent.items()}
        return {each for each, post in self._written.items() if post > before.get(each, 0)}

    async def _followers_of(self, authors: Collection[UserId]) -> set[UserId]:
        """Those who wait and follow one of them."""
        every = ((user, author) for author in authors for user in self._waiting)
        pairs = list(islice(every, MAX_PROBED_PAIRS))
        followed = await self._stores.relations.followed_pairs(pairs) if pairs else ()
        return {user for user, _ in followed}
