"""Whose posts are pulled, as writers and readers know it: few, and known by heart."""

from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet

from schemas.ids import PostId, UserId
from services.buckets import Buckets
from services.clock import Clock
from services.pulled.store import Flag, PulledStore
from services.retention import Retention
from services.timelines.store import AuthorEntry

MOST_AUTHORS = 1_000
"""Of whom each reader of a home asks which of them he follows, in one request. Beyond them, and a
few that several workers add at once, authors are pushed however many followers they have."""
AGE_MS = 1_000
"""For which what is known is taken for what is: by so much an author's first pulled post may be
late. One request a second, whatever is read."""


class PulledAuthors:
    """Which authors are flagged within the retention. Knows what was so `age_ms` ago, or later."""

    def __init__(
        self, store: PulledStore, retention: Retention, clock: Clock, age_ms: int = AGE_MS
    ) -> None:
        self._store = store
        self._buckets = Buckets(retention, clock)
        self._age_ms = age_ms
        self._known: dict[UserId, set[int]] = {}
        self._asked_at: int | None = None

    async def flagged_buckets(self) -> Mapping[UserId, AbstractSet[int]]:
        """The buckets in which each is flagged. Raises StoreUnavailable."""
        now = self._buckets.clock()
        if self._asked_at is None or not 0 <= now - self._asked_at < self._age_ms:
            first = self._buckets.of(self._buckets.retention.floor(now))
            known: dict[UserId, set[int]] = {}
            for bucket, author in await self._store.flagged(first):
                known.setdefault(author, set()).add(bucket)
            self._known, self._asked_at = known, now
        return self._known

    async def has(self, author: UserId, post: PostId) -> bool:
        """Whether a post of this author need be in no home. Raises StoreUnavailable."""
        return self._buckets.of(post) in (await self.flagged_buckets()).get(author, ())

    async def flag(self, posts: Collection[AuthorEntry]) -> set[AuthorEntry]:
        """Flags the authors, durably, for these posts; returns those for which there was room.

        Raises StoreUnavailable.
        """
        if not posts:
            return set()
        known = await self.flagged_buckets()
        new = sorted({each.author_id for each in posts} - known.keys())
        left_out = set(new[max(0, MOST_AUTHORS - len(known)) :])
        taken = {each for each in posts if each.author_id not in left_out}
        if taken:
            await self._store.flag({Flag(self._buckets.of(post), author) for author, post in taken})
        return taken
