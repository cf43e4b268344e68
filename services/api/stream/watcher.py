"""One reader's home timeline: what they hold of it, and the events that each poll yields."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeAlias

from schemas.ids import PostId, UserId
from services.api import answers
from services.api.cursors import Cursors
from services.api.page_position import PagePosition, with_seen
from services.api.pages import Pager, home_listing
from services.api.stream.changes import (
    ChangeEvent,
    EditEvent,
    EntryEvent,
    ReaderState,
    RemovalEvent,
    StreamEvent,
    diff_events,
)
from services.api.stream.resume import seal
from services.api.stream.wire import EventName, encode_event
from services.readers.item import Item
from services.readers.paging import Page, PageRequest

ReadStreamPage: TypeAlias = Callable[[PageRequest], Awaitable[Page]]
"""Reads a page of the reader's home. Raises Unauthenticated or Forbidden once they may not."""


class StreamShape(NamedTuple):
    """The number of newest items that are streamed, and whether in full or as ids only."""

    limit: int
    hydrate: bool


class EncodedEvent(NamedTuple):
    """An event, ready to be sent."""

    name: EventName
    data: bytes


class HomeWatcher:
    """The state of a stream between polls; `state` is None for a new reader."""

    def __init__(
        self,
        read: ReadStreamPage,
        cursors: Cursors,
        viewer: UserId,
        shape: StreamShape,
        state: ReaderState | None,
    ) -> None:
        self.viewer = viewer
        self._read = read
        self._cursors = cursors
        self._shape = shape
        self._state = state

    async def poll(self) -> list[EncodedEvent]:
        """Return the events since the last poll; the reader is assumed to apply them.

        Raises Transient, and what `ReadStreamPage` raises.
        """
        page = await self._read(PageRequest(self._shape.limit))
        events = []
        for event, state in diff_events(self._state, page, self._shape.limit):
            name, data = self._present(event, state)
            token = seal(self._cursors, stream_listing(self.viewer), state)
            events.append(EncodedEvent(name, encode_event(name, data, token)))
            self._state = state
        return events

    def _present(self, event: StreamEvent, state: ReaderState) -> tuple[EventName, object]:
        match event:
            case EntryEvent(item):
                return "entry", self._item(item)
            case EditEvent(item):
                return "edit", self._item(item)
            case RemovalEvent(post):
                return "removal", answers.Reference(str(post))
            case ChangeEvent(page):
                pager = Pager(self._cursors, home_listing(self.viewer))
                return "change", pager.to_listing(page, _newest(state), hydrate=self._shape.hydrate)

    def _item(self, item: Item) -> answers.Item | answers.Reference:
        return answers.item(item) if self._shape.hydrate else answers.Reference(str(item.post_id))


def stream_listing(viewer: UserId) -> str:
    """Return the listing name of a home's stream, for the ids of its events."""
    return f"home/stream/{viewer}"


def _newest(state: ReaderState) -> PagePosition | None:
    """Return the position above what the reader holds."""
    if not state.items:
        return None
    return with_seen(PagePosition(state.position, PostId(min(state.items))), state.items)
