"""Clients of streams that apply events as the OpenAPI document describes."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from urllib.parse import urlencode

from litestar import Litestar

WAIT_SECONDS = 30
"""Longest wait for an expected event; a slow machine is no failure."""
Json = dict[str, Any]


class Event(NamedTuple):
    name: str
    data: Any
    id: str | None


def parsed(text: str) -> list[Event]:
    """Return the events of a stream that a browser would dispatch."""
    found = []
    for block in text.split("\n\n")[:-1]:
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        if "data" in fields:
            found.append(Event(fields["event"], json.loads(fields["data"]), fields.get("id")))
    return found


class Holder:
    """Keeps the newest items that events brought, and checks each event.

    No event adds an item that is held, or edits or removes one that is not.
    """

    def __init__(self, limit: int = 20) -> None:
        self.last_id: str | None = None
        self.items: dict[int, Any] = {}
        self.state: str | None = None
        self._limit = limit

    def take(self, event: Event) -> None:
        self.last_id = event.id or self.last_id
        match event.name:
            case "change":
                self.state = event.data["state"]
                self._give(event.data["items"])
            case "entry":
                self._give([event.data])
            case "edit":
                assert id_of(event.data) in self.items
                assert self.items[id_of(event.data)] != event.data
                self.items[id_of(event.data)] = event.data
            case "removal":
                del self.items[int(event.data["post_id"])]

    def page(self) -> list[Any]:
        return list(self.items.values())

    def _give(self, items: Iterable[Any]) -> None:
        for each in items:
            assert id_of(each) not in self.items
            self.items[id_of(each)] = each
        newest = sorted(self.items, reverse=True)[: self._limit]
        self.items = {post: self.items[post] for post in newest}


def id_of(item: Any) -> int:
    return int(item if isinstance(item, str) else item["post_id"])


class Connection:
    """A client's stream, straight from the app; it accepts nothing unless `taking` is set.

    `status` and `body` are set once the stream has begun.
    """

    def __init__(self, holder: Holder) -> None:
        self.holder = holder
        self.events: list[Event] = []
        self.status: int | None = None
        self.headers: dict[str, str] = {}
        self.body = ""
        self.ended = False
        self.taking = asyncio.Event()
        self.taking.set()
        self.left = asyncio.Event()
        self._asked = False
        self._moved = asyncio.Event()

    async def receive(self) -> Any:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        await self.taking.wait()
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            text = message.get("body", b"").decode()
            self.body += text
            for event in parsed(text):  # the app sends whole events
                self.events.append(event)
                self.holder.take(event)
        self._moved.set()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until a condition holds; fail with what was received instead."""
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                while not holds():
                    self._moved.clear()
                    await self._moved.wait()
        except TimeoutError:
            raise AssertionError(self.status, self.names(), self.body[-500:]) from None

    async def expect(self, *names: str) -> None:
        """Wait until exactly these events have arrived in this order, heartbeats aside."""
        await self.until(lambda: len(self.names()) >= len(names))
        assert self.names() == list(names)

    def names(self) -> list[str]:
        return [each.name for each in self.events if each.name != "heartbeat"]

    @property
    def last(self) -> Any:
        """The data of the last event, heartbeats aside."""
        return [each.data for each in self.events if each.name != "heartbeat"][-1]


@asynccontextmanager
async def streaming(
    app: Litestar,
    holder: Holder | None = None,
    user: int = 1,
    headers: Mapping[str, str] | None = None,
    **asked: Any,
) -> AsyncIterator[Connection]:
    """Connect a client that resumes where it was, and disconnect it when the context ends."""
    holder = holder or Holder(asked.get("limit", 20))
    sent = dict(headers or {})
    if holder.last_id is not None:
        sent["Last-Event-ID"] = holder.last_id
    connection = Connection(holder)
    path = f"/v1/users/{user}/home/stream"
    scope: Any = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": urlencode(asked).encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in sent.items()],
        "client": ("127.0.0.1", 1),
        "server": ("village", 80),
    }
    answering = asyncio.create_task(app(scope, connection.receive, connection.send))
    answering.add_done_callback(lambda _: _over(connection))
    try:
        yield connection
    finally:
        connection.left.set()
        connection.taking.set()
        async with asyncio.timeout(WAIT_SECONDS):
            await answering


def _over(connection: Connection) -> None:
    connection.ended = True
    connection._moved.set()
