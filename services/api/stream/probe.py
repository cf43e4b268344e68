"""Probes for new entries with one store request for all open streams, instead of one for each.

Posts of pulled authors are in no home timeline, so the probe reads author timelines for them and
wakes the streams of their followers.

A probe is a hint only. Entries that it misses, and all other changes (edits, blocks, expiry), are
found by the next poll of the stream.
"""

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import Context
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
"""Oldest post time that is probed for: entries that arrive later wait for the next poll."""

MAX_PROBED_PAIRS: Final = 10_000
"""Pairs of reader and author checked in one round: about twenty requests."""

Wake: TypeAlias = Callable[[], None]

_log = structlog.get_logger(__name__)


class NewEntryProbe:
    """Wakes the subscribers of a user whose home has new entries; idle without subscribers."""

    def __init__(
        self, stores: Stores, pulled: PulledAuthors, clock: Clock, epoch: int, seconds: float
    ) -> None:
        self._stores = stores
        self._pulled = pulled
        self._clock = clock
        self._epoch = epoch
        self._seconds = seconds
        self._subscribers: dict[UserId, list[Wake]] = {}
        self._known: Mapping[UserId, frozenset[PostId]] = {}
        self._written: Mapping[UserId, PostId] = {}
        self._probing: asyncio.Task[None] | None = None

    @contextmanager
    def subscription(self, user: UserId, wake: Wake) -> Iterator[None]:
        """Call `wake` when entries arrive, or more often, until the context ends."""
        self._subscribers.setdefault(user, []).append(wake)
        if self._probing is None or self._probing.done():
            # Without the context of this request: the probe outlasts it, and is not its doing.
            self._probing = asyncio.create_task(self._probe(), context=Context())
        try:
            yield
        finally:
            self._subscribers[user].remove(wake)
            if not self._subscribers[user]:
                del self._subscribers[user]

    async def _probe(self) -> None:
        while self._subscribers:
            try:
                await self._probe_once()
            except Transient as error:
                _log.warning("could not probe for new entries", error=repr(error))
            except Exception as error:  # noqa: BLE001 - a bug must not end the process
                _log.error("a probe failed because of a bug", exc_info=error)
            await asyncio.sleep(self._seconds)

    async def _probe_once(self) -> None:
        above = PostId(first_post_id(self._clock() - FRESH_MS, self._epoch))
        homes = await self._stores.home_timelines.pin()
        found = await homes.arrivals(list(self._subscribers), above)
        before, self._known = self._known, {user: frozenset(found[user]) for user in found}
        arrived = {
            user for user, posts in self._known.items() if posts - before.get(user, frozenset())
        }
        for user in arrived | await self._followers_of(await self._authors_since(above)):
            for wake in self._subscribers.get(user, ()):
                wake()

    async def _authors_since(self, above: PostId) -> set[UserId]:
        """Return the pulled authors with new posts since the last round."""
        authors = (await self._pulled.flagged_buckets()).keys()
        if not authors:
            return set()
        recent = await self._stores.author_timelines.author_pages(authors, Span(above), 1)
        before, self._written = self._written, {each: page[0] for each, page in recent.items()}
        return {each for each, post in self._written.items() if post > before.get(each, 0)}

    async def _followers_of(self, authors: Collection[UserId]) -> set[UserId]:
        """Return the subscribers who follow one of these authors."""
        every = ((user, author) for author in authors for user in self._subscribers)
        pairs = list(islice(every, MAX_PROBED_PAIRS))
        followed = await self._stores.relations.followed_pairs(pairs) if pairs else ()
        return {user for user, _ in followed}
