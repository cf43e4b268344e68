"""The pulled authors, cached by writers and readers: there are few of them."""

from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet

from schemas.ids import PostId, UserId
from services.buckets import Buckets
from services.clock import Clock
from services.pulled.store import Flag, PulledStore
from services.retention import Retention
from services.timelines.store import AuthorEntry

MAX_AUTHORS = 1_000
"""Pulled authors within the retention; every read of a home asks in one request which of them its
viewer follows. Beyond that, and a few that concurrent workers add, authors are pushed however many
followers they have."""
AGE_MS = 1_000
"""How long the cached flags are used: an author's first pulled post may be late by so much. It
takes one request a second, however much is read."""


class PulledAuthors:
    """The authors that are flagged within the retention, as of `age_ms` ago or later."""

    def __init__(
        self, store: PulledStore, retention: Retention, clock: Clock, age_ms: int = AGE_MS
    ) -> None:
        self._store = store
        self._buckets = Buckets(retention, clock)
        self._age_ms = age_ms
        self._known: dict[UserId, set[int]] = {}
        self._asked_at: int | None = None

    async def flagged_buckets(self) -> Mapping[UserId, AbstractSet[int]]:
        """Return the flagged buckets of each pulled author. Raises StoreUnavailable."""
        now = self._buckets.clock()
        if self._asked_at is None or not 0 <= now - self._asked_at < self._age_ms:
            first = self._buckets.of(self._buckets.retention.floor(now))
            known: dict[UserId, set[int]] = {}
            for bucket, author in await self._store.flagged(first):
                known.setdefault(author, set()).add(bucket)
            self._known, self._asked_at = known, now
        return self._known

    async def has(self, author: UserId, post: PostId) -> bool:
        """Whether a post of this author may be missing from homes. Raises StoreUnavailable."""
        return self._buckets.of(post) in (await self.flagged_buckets()).get(author, ())

    async def flag(self, posts: Collection[AuthorEntry]) -> set[AuthorEntry]:
        """Flag the authors of posts, durably; return the posts whose authors there was room for.

        Raises StoreUnavailable.
        """
        if not posts:
            return set()
        known = await self.flagged_buckets()
        new = sorted({each.author_id for each in posts} - known.keys())
        refused = set(new[max(0, MAX_AUTHORS - len(known)) :])
        flagged = {each for each in posts if each.author_id not in refused}
        if flagged:
            await self._store.flag(
                {Flag(self._buckets.of(post), author) for author, post in flagged}
            )
        return flagged
