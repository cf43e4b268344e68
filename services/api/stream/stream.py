"""A stream on its connection: poll, send, wait.

There is no queue of events: each poll finds what the reader lacks. A slow reader is polled for less
often; one who accepts nothing for too long is disconnected. In a busy process polls wait for their
turn, however long, while heartbeats continue.
"""

import asyncio
from collections.abc import Iterable
from http import HTTPMethod, HTTPStatus
from typing import Any, Final

from litestar import Response
from litestar.types import (
    HTTPResponseBodyEvent,
    HTTPResponseStartEvent,
    Receive,
    Scope,
    Send,
)

from services.api.answers import Ended, Heartbeat
from services.api.problems import Forbidden, Unauthenticated
from services.api.stream.streams import Signals, Streams
from services.api.stream.watcher import EncodedEvent, HomeWatcher
from services.api.stream.wire import EVENT_STREAM, encode_event, encode_retry
from services.errors import Transient

RETRY_MS: Final = 4_000
"""Longest wait until a client reconnects; jitter spreads the clients of a stopped process."""
FAREWELL_SECONDS: Final = 1.0
"""Longest wait for the client to accept the last event, which a slow one may never do."""
HEADERS: Final = [
    (b"content-type", EVENT_STREAM.encode()),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # else nginx would buffer events
]
_HEARTBEAT: Final = EncodedEvent("heartbeat", encode_event("heartbeat", Heartbeat()))


class ReaderStalled(Exception):
    """The client did not accept an event in time."""


class EventStream(Response[None]):
    """The response that streams events until a reason to end."""

    def __init__(self, streams: Streams, watcher: HomeWatcher) -> None:
        super().__init__(None, media_type=EVENT_STREAM)
        self._streams = streams
        self._watcher = watcher

    def to_asgi_response(self, *_: Any, **__: Any) -> Any:
        return self._serve

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the stream, to HEAD its headers only.

        Before anything is sent, raises AtCapacity, TooManyRequests and what polling raises.
        """
        if scope.get("method") == HTTPMethod.HEAD:
            await send(_start())
            await send(_body(b"", more=False))
            return
        with self._streams.open(self._watcher.viewer) as signals:
            first = await self._poll()
            disconnect = asyncio.create_task(_watch_disconnect(receive, signals))
            try:
                await self._run(first, send, signals)
                await _send_end(send, signals)
            finally:
                disconnect.cancel()

    async def _run(self, first: Iterable[EncodedEvent], send: Send, signals: Signals) -> None:
        """Send events until the stream ends, and leave the reason in the signals."""
        try:
            await send(_start())
            await self._write(send, encode_retry(int(self._streams.jitter(RETRY_MS))))
            await self._send_events(first, send, signals)
        except ReaderStalled:
            signals.finish("slow")
        except (Unauthenticated, Forbidden):
            signals.finish("token")
        finally:
            self._streams.metrics.api_streams_ended.labels(signals.end or "failed").inc()

    async def _send_events(
        self, first: Iterable[EncodedEvent], send: Send, signals: Signals
    ) -> None:
        time = asyncio.get_running_loop().time
        settings, jitter = self._streams.settings, self._streams.jitter
        ends_at = time() + jitter(settings.stream_lifetime_seconds)
        poll_at = time() + jitter(settings.stream_look_seconds)
        polling: asyncio.Task[list[EncodedEvent]] | None = None
        beat_at = 0.0
        events = first
        try:
            while signals.end is None:
                for event in events:
                    await self._write(send, event.data)
                    self._streams.metrics.api_stream_events.labels(event.name).inc()
                    beat_at = time() + settings.stream_heartbeat_seconds
                next_at = min(ends_at, beat_at) if polling else min(ends_at, beat_at, poll_at)
                await signals.wait(next_at - time())
                events = (_HEARTBEAT,) if time() >= beat_at else ()
                if time() >= ends_at:
                    signals.finish("lifetime")
                elif polling is not None and polling.done():
                    events = self._poll_result(polling) or (_HEARTBEAT,)
                    polling = None
                    poll_at = time() if signals.poll_due else poll_at
                elif polling is None and (signals.poll_due or time() >= poll_at):
                    signals.poll_due = False
                    poll_at = time() + jitter(settings.stream_look_seconds)
                    polling = asyncio.create_task(self._poll())
                    polling.add_done_callback(lambda _: signals.notify())
        finally:
            if polling is not None:
                polling.cancel()

    def _poll_result(self, polling: "asyncio.Task[list[EncodedEvent]]") -> list[EncodedEvent]:
        """Return the events of a poll, none if it failed for now: the next poll finds them."""
        outcome, events = "failed", list[EncodedEvent]()
        try:
            events = polling.result()
            outcome = "different" if events else "same"
        except Transient:
            pass
        self._streams.metrics.api_stream_looks.labels(outcome).inc()
        return events

    async def _poll(self) -> list[EncodedEvent]:
        async with self._streams.poll_slots:
            return await self._watcher.poll()

    async def _write(self, send: Send, data: bytes) -> None:
        """Send data. Raises ReaderStalled."""
        try:
            async with asyncio.timeout(self._streams.settings.stream_patience_seconds):
                await send(_body(data, more=True))
        except TimeoutError:
            raise ReaderStalled from None


async def _watch_disconnect(receive: Receive, signals: Signals) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    signals.finish("left")


async def _send_end(send: Send, signals: Signals) -> None:
    """Send the reason, if the client is still connected."""
    if signals.end is None or signals.end == "left":
        return
    try:
        async with asyncio.timeout(FAREWELL_SECONDS):
            await send(_body(encode_event("end", Ended(signals.end)), more=False))
    except TimeoutError:
        pass


def _start() -> HTTPResponseStartEvent:
    return {"type": "http.response.start", "status": HTTPStatus.OK, "headers": HEADERS}


def _body(data: bytes, *, more: bool) -> HTTPResponseBodyEvent:
    return {"type": "http.response.body", "body": data, "more_body": more}
