"""How far back readers' newest pages reach, so that no older bucket is asked than need be."""

from collections.abc import Sequence
from typing import NamedTuple

from schemas.ids import MAX_ID, PostId, UserId
from services.latest import Latest
from services.span import Span

MOST_REMEMBERED = 32_768
"""Readers: 10 MB."""


class _Reach(NamedTuple):
    """From its newest entry down to this one a home has so many, or more."""

    oldest: PostId
    entries: int


class PageDepthCache:
    """Of pages that were full, and mostly are again: entries stay until their bucket leaves."""

    def __init__(self) -> None:
        self._known: Latest[UserId, _Reach] = Latest(MOST_REMEMBERED)

    def oldest(self, user: UserId, span: Span, limit: int) -> PostId:
        """The oldest entry of such a page when it was last read; 0 where that is not known."""
        reach = self._known.get(user)
        if reach is None or not _is_newest(span) or limit > reach.entries:
            return PostId(0)
        return reach.oldest

    def learn(self, user: UserId, span: Span, limit: int, page: Sequence[PostId]) -> None:
        if _is_newest(span) and len(page) == limit:
            self._known[user] = _Reach(page[-1], limit)


def _is_newest(span: Span) -> bool:
    return span.newest_first and span.below == MAX_ID
