"""One reader's home timeline: what he holds of it, and what each look at it has to tell him."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeAlias

from schemas.ids import PostId, UserId
from services.api import answers
from services.api import page_position as walk
from services.api.cursors import Cursors
from services.api.page_position import PagePosition
from services.api.pages import Pager
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
"""A page of the reader's home. Raises Unauthenticated or Forbidden once he may no longer read."""


class StreamShape(NamedTuple):
    """What is streamed: so many of the newest items, with what is in them or only their ids."""

    limit: int
    hydrate: bool


class EncodedEvent(NamedTuple):
    """An event, ready to be sent."""

    name: EventName
    data: bytes


class HomeWatcher:
    """A stream's state, all that has to outlive a look; `given` is None for a new reader."""

    def __init__(
        self,
        read: ReadStreamPage,
        cursors: Cursors,
        viewer: UserId,
        shape: StreamShape,
        given: ReaderState | None,
    ) -> None:
        self.viewer = viewer
        self._read = read
        self._cursors = cursors
        self._shape = shape
        self._given = given

    async def poll(self) -> list[EncodedEvent]:
        """What differs from what the reader holds; he is taken to hold it from then on.

        Raises what `ReadStreamPage` does, and Transient.
        """
        page = await self._read(PageRequest(self._shape.limit))
        events = []
        for event, given in diff_events(self._given, page, self._shape.limit):
            name, data = self._encode(event, given)
            token = seal(self._cursors, stream_listing(self.viewer), given)
            events.append(EncodedEvent(name, encode_event(name, data, token)))
            self._given = given
        return events

    def _encode(self, event: StreamEvent, given: ReaderState) -> tuple[EventName, object]:
        match event:
            case EntryEvent(item):
                return "entry", self._item(item)
            case EditEvent(item):
                return "edit", self._item(item)
            case RemovalEvent(post):
                return "removal", answers.Reference(str(post))
            case ChangeEvent(page):
                pager = Pager(self._cursors, home_listing(self.viewer))
                return "change", pager.to_listing(page, _newest(given), hydrate=self._shape.hydrate)

    def _item(self, item: Item) -> answers.Item | answers.Reference:
        return answers.item(item) if self._shape.hydrate else answers.Reference(str(item.post_id))


def home_listing(viewer: UserId) -> str:
    """The listing of a home's pages, for cursors."""
    return f"home/{viewer}"


def stream_listing(viewer: UserId) -> str:
    """The listing of a home's stream, for the ids of its events."""
    return f"home/stream/{viewer}"


def _newest(given: ReaderState) -> PagePosition | None:
    """Where a page goes on above what the reader holds."""
    if not given.items:
        return None
    start = PagePosition(given.position, PostId(min(given.items)))
    return walk.with_seen(start, given.items)
