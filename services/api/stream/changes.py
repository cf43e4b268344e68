"""The events that bring a reader from what they hold to a listing as it is now.

Pure. A reader keeps the newest `limit` of the items they received, each as last received, without
those removed. Whatever happened in between, applying the next events leaves them with the current
page. A page that ended early, at the bound of its walk, is silent about what lies below it, and so
are the events.
"""

from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from typing import NamedTuple, TypeAlias

import msgspec
from msgspec.structs import replace

from schemas.ids import SEQUENCE_BITS, PostId
from services.api.page_position import LATE_MS
from services.readers.item import Item
from services.readers.paging import Gap, Page

DIGEST_BYTES = 4
"""One edit in four billion goes unnoticed, until the next one."""

Digest: TypeAlias = bytes
"""Digest of an item as shown, the same in every process."""


class ReaderState(NamedTuple):
    """The items that a reader holds; `position` is their newest post ever, 0 for none."""

    position: PostId = PostId(0)
    items: Mapping[PostId, Digest] = {}
    building: bool = False

    def with_items(self, items: Iterable[Item], limit: int) -> "ReaderState":
        """Return the state with these items added or replaced, and the oldest dropped."""
        held = {**self.items, **{item.post_id: digest(item) for item in items}}
        return self._replace(position=max((self.position, *held)), items=_newest(held, limit))

    def without(self, post: PostId) -> "ReaderState":
        return self._replace(items={each: self.items[each] for each in self.items if each != post})


class EntryEvent(NamedTuple):
    """An item that is new or at most LATE_MS late (rule 13)."""

    item: Item


class EditEvent(NamedTuple):
    """The current version of an item that the reader holds."""

    item: Item


class RemovalEvent(NamedTuple):
    """An item that the reader holds is no longer shown."""

    post_id: PostId


class ChangeEvent(NamedTuple):
    """All other changes, as a page of only the items that the reader lacks.

    None of them is news: they came late, are shown again, or fill the place of removed ones. The
    gap of the page is what came since the last event and does not fit.
    """

    page: Page


StreamEvent: TypeAlias = EntryEvent | EditEvent | RemovalEvent | ChangeEvent


def digest(item: Item) -> Digest:
    return blake2b(msgspec.json.encode(item), digest_size=DIGEST_BYTES).digest()


def diff_events(
    before: ReaderState | None, page: Page, limit: int
) -> Iterator[tuple[StreamEvent, ReaderState]]:
    """Yield the events in order, each with the reader's state after it.

    `page` is the newest page, of `limit` items; `before` is None for a new reader.
    """
    if before is None:
        yield ChangeEvent(page), ReaderState(building=page.building).with_items(page.items, limit)
        return
    state = before = before._replace(items=_newest(before.items, limit))
    for post in _gone(before, page):
        state = state.without(post)
        yield RemovalEvent(post), state
    for item in page.items:
        if before.items.get(item.post_id, digest(item)) != digest(item):
            state = state.with_items([item], limit)
            yield EditEvent(item), state
    unknown = [item for item in page.items if item.post_id not in before.items]
    for item in reversed(unknown):
        if _is_news(item.post_id, before):
            state = state.with_items([item], limit)
            yield EntryEvent(item), state
    rest = [item for item in unknown if not _is_news(item.post_id, before)]
    gap = _gap(before, page)
    if rest or gap or page.building != before.building:
        state = state.with_items(rest, limit)._replace(building=page.building)
        yield ChangeEvent(replace(page, items=rest, gap=gap)), state


def _newest(items: Mapping[PostId, Digest], limit: int) -> Mapping[PostId, Digest]:
    return {post: items[post] for post in sorted(items, reverse=True)[:limit]}


def _gone(before: ReaderState, page: Page) -> list[PostId]:
    """Return the held posts missing from where the page reaches; none while it is being built."""
    if page.building:
        return []
    shown = {item.post_id for item in page.items}
    reach = page.older or 0
    return [post for post in before.items if post > reach and post not in shown]


def _is_news(post: PostId, before: ReaderState) -> bool:
    """Return whether a post is newer than all that the reader held, or late within LATE_MS."""
    if post > before.position:
        return True
    oldest = min(before.items, default=before.position)
    return post >= max(oldest, before.position - (LATE_MS << SEQUENCE_BITS))


def _gap(before: ReaderState, page: Page) -> Gap | None:
    if page.older is None or not 0 < before.position < page.older:
        return None
    return Gap(page.older, before.position)
