"""A page of a listing ordered by post id, and the request for it (rules 11 to 14)."""

from typing import NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from schemas.ids import PostId
from services.readers.item import Item
from services.span import Span

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
MAX_UNREAD = 100
"""Entries newer than a mark that are counted: more than anybody wants to be told exactly."""


class PageRequest(NamedTuple):
    """A page to read: places are post ids, exclusive. `after` stands alone."""

    limit: int = DEFAULT_LIMIT
    before: PostId | None = None
    after: PostId | None = None
    newer_than: PostId | None = None

    @property
    def is_newest(self) -> bool:
        """Whether it is the page that begins with the newest entry."""
        return self.before is None and self.after is None

    def span(self, floor: int = 0) -> Span:
        """Return the span of entries to look at, none of them at or below `floor`."""
        if self.after is not None:
            return Span(above=max(floor, self.after), newest_first=False)
        return Span(above=floor) if self.before is None else Span(floor, self.before)

    def span_oldest_first(self, floor: int = 0) -> Span:
        """Return the span where the oldest entry stands first: `before` goes on to newer ones."""
        if self.after is not None:
            return Span(floor, self.after)
        return Span(max(floor, self.before or 0), newest_first=False)


class Gap(NamedTuple):
    """The entries that did not fit between a page and its `newer_than`: the places around it."""

    newest: PostId  # the oldest entry given
    oldest: PostId  # the place of `newer_than`


class Page(msgspec.Struct, frozen=True):
    """Items newest first; `older` and `newer` are the places to continue from, None for an end.

    All of a home's page was read from one `generation`; other listings have none. A home that was
    read with its `mark` also says how many of its entries are newer (`unread`), up to MAX_UNREAD.
    """

    items: list[Item]
    older: PostId | None = None
    newer: PostId | None = None
    gap: Gap | None = None
    building: bool = False
    generation: str | None = None
    mark: PostId | None | UnsetType = UNSET
    unread: int | None | UnsetType = UNSET


class WalkResult(NamedTuple):
    """Up to limit + 1 shown items, in the span's order.

    `stopped_at` is the last entry looked at where the walk's bound ended it, else None; `looked_at`
    is the number of entries down to the last item.
    """

    items: list[Item]
    stopped_at: PostId | None
    looked_at: int = 0


def cut_page(request: PageRequest, found: WalkResult) -> Page:
    """Return the requested page of what a walk found."""
    if request.after is not None:
        return _newer_page(request.after, request.limit, found)
    items = found.items[: request.limit]
    more = len(found.items) > request.limit
    older = items[-1].post_id if more else found.stopped_at
    whole = Page(items, older=older, newer=items[0].post_id if items else None)
    if request.newer_than is None:
        return whole
    return _cut_at(request.newer_than, whole, found)


def _newer_page(after: PostId, limit: int, found: WalkResult) -> Page:
    """The page next above `after`; an empty one gives the same place again, to poll."""
    items = found.items[:limit]
    newer = items[-1].post_id if items else after
    if len(found.items) <= limit and found.stopped_at is not None:
        newer = found.stopped_at
    return Page(items[::-1], older=items[0].post_id if items else None, newer=newer)


def _cut_at(newer_than: PostId, whole: Page, found: WalkResult) -> Page:
    """The newest page, cut at `newer_than`; the gap is what did not fit between them."""
    kept = [item for item in whole.items if item.post_id > newer_than]
    newer = kept[0].post_id if kept else newer_than
    if len(kept) < len(whole.items):
        return Page(kept, older=kept[-1].post_id if kept else PostId(newer_than + 1), newer=newer)
    unread = found.stopped_at
    if len(found.items) > len(whole.items):
        unread = found.items[len(whole.items)].post_id
    gap = None
    if whole.older is not None and unread is not None and unread > newer_than:
        gap = Gap(whole.older, newer_than)
    return Page(kept, older=whole.older, newer=newer, gap=gap)
