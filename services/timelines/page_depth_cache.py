"""How far back readers' newest pages reach, so that no older bucket is read than necessary."""

from collections.abc import Sequence
from typing import NamedTuple

from schemas.ids import MAX_ID, PostId, UserId
from services.latest import Latest
from services.span import Span

MOST_REMEMBERED = 32_768
"""Readers in the cache: 10 MB."""


class _Reach(NamedTuple):
    """A home has at least this many entries from the newest down to `oldest`."""

    oldest: PostId
    entries: int


class PageDepthCache:
    """Remembers full pages, which mostly stay full: entries stay until their bucket expires."""

    def __init__(self) -> None:
        self._known: Latest[UserId, _Reach] = Latest(MOST_REMEMBERED)

    def oldest(self, user: UserId, span: Span, limit: int) -> PostId:
        """Return the oldest entry of such a page when it was last read; 0 if it is unknown."""
        reach = self._known.get(user)
        if reach is None or not _is_newest(span) or limit > reach.entries:
            return PostId(0)
        return reach.oldest

    def learn(self, user: UserId, span: Span, limit: int, page: Sequence[PostId]) -> None:
        if _is_newest(span) and len(page) == limit:
            self._known[user] = _Reach(page[-1], limit)


def _is_newest(span: Span) -> bool:
    return span.newest_first and span.below == MAX_ID
