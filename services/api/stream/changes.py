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
"""An edit passes unnoticed once in four thousand million, until the next one."""

Digest: TypeAlias = bytes
"""Of an item as it is shown: the same in every process."""


class ReaderState(NamedTuple):
    """What a reader holds; `position` is the newest post that he ever held, 0 for none."""

    position: PostId = PostId(0)
    items: Mapping[PostId, Digest] = {}
    building: bool = False

    def with_items(self, items: Iterable[Item], limit: int) -> "ReaderState":
        """With these items, new or as they are now; the oldest make room."""
        held = {**self.items, **{item.post_id: digest(item) for item in items}}
        return self._replace(position=max((self.position, *held)), items=_newest(held, limit))

    def without(self, post: PostId) -> "ReaderState":
        return self._replace(items={each: self.items[each] for each in self.items if each != post})


class EntryEvent(NamedTuple):
    """An item that is new, or came late by a quarter of an hour at most (SEMANTICS 13)."""

    item: Item


class EditEvent(NamedTuple):
    """An item that the reader holds, as it is now."""

    item: Item


class RemovalEvent(NamedTuple):
    """An item that the reader holds and that is no longer shown."""

    post_id: PostId


class ChangeEvent(NamedTuple):
    """What else is different: the page, of its items only those that the reader does not hold.

    None of them is news: they came late, are shown again, or fill the place of removed ones.
    Its gap is what came since the last event and fits no page.
    """

    page: Page


StreamEvent: TypeAlias = EntryEvent | EditEvent | RemovalEvent | ChangeEvent


def digest(item: Item) -> Digest:
    return blake2b(msgspec.json.encode(item), digest_size=DIGEST_BYTES).digest()


def diff_events(
    given: ReaderState | None, page: Page, limit: int
) -> Iterator[tuple[StreamEvent, ReaderState]]:
    """The events in their order, and with each what the reader then holds.

    `page` is the newest one, of `limit` items; `given` is None for a reader without any event yet.
    """
    if given is None:
        yield ChangeEvent(page), ReaderState(building=page.building).with_items(page.items, limit)
        return
    state = given = given._replace(items=_newest(given.items, limit))
    for post in _gone(given, page):
        state = state.without(post)
        yield RemovalEvent(post), state
    for item in page.items:
        if given.items.get(item.post_id, digest(item)) != digest(item):
            state = state.with_items([item], limit)
            yield EditEvent(item), state
    unknown = [item for item in page.items if item.post_id not in given.items]
    for item in reversed(unknown):
        if _is_news(item.post_id, given):
            state = state.with_items([item], limit)
            yield EntryEvent(item), state
    rest = [item for item in unknown if not _is_news(item.post_id, given)]
    gap = _gap(given, page)
    if rest or gap or page.building != given.building:
        state = state.with_items(rest, limit)._replace(building=page.building)
        yield ChangeEvent(replace(page, items=rest, gap=gap)), state


def _newest(items: Mapping[PostId, Digest], limit: int) -> Mapping[PostId, Digest]:
    return {post: items[post] for post in sorted(items, reverse=True)[:limit]}


def _gone(given: ReaderState, page: Page) -> list[PostId]:
    """Held, and not on the page though it reaches that far; while it is being built, none."""
    if page.building:
        return []
    shown = {item.post_id for item in page.items}
    reach = page.older or 0
    return [post for post in given.items if post > reach and post not in shown]


def _is_news(post: PostId, given: ReaderState) -> bool:
    """Newer than all that was given, or late and within rule 13's floor."""
    if post > given.position:
        return True
    oldest = min(given.items, default=given.position)
    return post >= max(oldest, given.position - (LATE_MS << SEQUENCE_BITS))


def _gap(given: ReaderState, page: Page) -> Gap | None:
    if page.older is None or not 0 < given.position < page.older:
        return None
    return Gap(page.older, given.position)
