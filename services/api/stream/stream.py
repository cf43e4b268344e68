"""A stream on its connection: look, tell, wait.

There is no queue of events: what is not told yet is what differs at the next look. A reader who
takes his time is looked for less often; one who takes nothing for too long is cut off. Looks of a
busy process wait for their turn, however long, while heartbeats go on.
"""

import asyncio
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final

from litestar import Response
from litestar.types import HTTPResponseBodyEvent, Receive, Scope, Send

from services.api.answers import Ended, Heartbeat
from services.api.problems import Forbidden, Unauthenticated
from services.api.stream.pace import RETRY_MS
from services.api.stream.streams import Signals, Streams
from services.api.stream.watcher import EncodedEvent, HomeWatcher
from services.api.stream.wire import EVENT_STREAM, encode_event, encode_retry
from services.errors import Transient

FAREWELL_SECONDS: Final = 1.0
"""For the last event, which a reader who took nothing for long may not take either."""
HEADERS: Final = [
    (b"content-type", EVENT_STREAM.encode()),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # nginx would keep events until it has many
]
_HEARTBEAT: Final = EncodedEvent("heartbeat", encode_event("heartbeat", Heartbeat()))


class TookNothing(Exception):
    """The reader did not make room for an event in time."""


class EventStream(Response[None]):
    """The answer to who asks for a stream."""

    def __init__(self, streams: Streams, reading: HomeWatcher) -> None:
        super().__init__(None, media_type=EVENT_STREAM)
        self._streams = streams
        self._reading = reading

    def to_asgi_response(self, *_: Any, **__: Any) -> Any:
        return self._serve

    async def _serve(self, _: Scope, receive: Receive, send: Send) -> None:
        """Raises Full, and what `HomeWatcher.look` does, before anything is sent."""
        with self._streams.opened(self._reading.viewer) as signals:
            first = await self._look()
            leaving = asyncio.create_task(_left(receive, signals))
            try:
                await self._tell(first, send, signals)
                await _farewell(send, signals)
            finally:
                leaving.cancel()

    async def _tell(self, first: Iterable[EncodedEvent], send: Send, signals: Signals) -> None:
        """Until there is a reason to end, which the signals then have."""
        try:
            await send({"type": "http.response.start", "status": HTTPStatus.OK, "headers": HEADERS})
            await self._write(send, encode_retry(int(self._streams.spread(RETRY_MS))))
            await self._go_on(first, send, signals)
        except TookNothing:
            signals.finish("slow")
        except (Unauthenticated, Forbidden):
            signals.finish("token")
        finally:
            self._streams.metrics.api_streams_ended.labels(signals.end or "failed").inc()

    async def _go_on(self, first: Iterable[EncodedEvent], send: Send, signals: Signals) -> None:
        time = asyncio.get_running_loop().time
        pace, spread = self._streams.pace, self._streams.spread
        ends_at = time() + spread(pace.lifetime)
        look_at = time() + spread(pace.look)
        looking: asyncio.Task[list[EncodedEvent]] | None = None
        beat_at = 0.0
        events = first
        try:
            while signals.end is None:
                for event in events:
                    await self._write(send, event.data)
                    self._streams.metrics.api_stream_events.labels(event.name).inc()
                    beat_at = time() + pace.heartbeat
                next_at = min(ends_at, beat_at) if looking else min(ends_at, beat_at, look_at)
                await signals.raised(next_at - time())
                events = (_HEARTBEAT,) if time() >= beat_at else ()
                if time() >= ends_at:
                    signals.finish("lifetime")
                elif looking is not None and looking.done():
                    events = self._seen(looking) or (_HEARTBEAT,)
                    looking = None
                    look_at = time() if signals.due else look_at
                elif looking is None and (signals.due or time() >= look_at):
                    signals.due = False
                    look_at = time() + spread(pace.look)
                    looking = asyncio.create_task(self._look())
                    looking.add_done_callback(lambda _: signals.nudge())
        finally:
            if looking is not None:
                looking.cancel()

    def _seen(self, looking: "asyncio.Task[list[EncodedEvent]]") -> list[EncodedEvent]:
        """Nothing, where the store or the issuer did not answer: the next look will tell."""
        outcome, events = "failed", list[EncodedEvent]()
        try:
            events = looking.result()
            outcome = "different" if events else "same"
        except Transient:
            pass
        self._streams.metrics.api_stream_looks.labels(outcome).inc()
        return events

    async def _look(self) -> list[EncodedEvent]:
        async with self._streams.looking:
            return await self._reading.look()

    async def _write(self, send: Send, data: bytes) -> None:
        """Raises TookNothing."""
        try:
            async with asyncio.timeout(self._streams.pace.patience):
                await send(_body(data, more=True))
        except TimeoutError:
            raise TookNothing from None


async def _left(receive: Receive, signals: Signals) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    signals.finish("left")


async def _farewell(send: Send, signals: Signals) -> None:
    """Says why, where somebody listens."""
    if signals.end is None or signals.end == "left":
        return
    try:
        async with asyncio.timeout(FAREWELL_SECONDS):
            await send(_body(encode_event("end", Ended(signals.end)), more=False))
    except TimeoutError:
        pass


def _body(data: bytes, *, more: bool) -> HTTPResponseBodyEvent:
    return {"type": "http.response.body", "body": data, "more_body": more}
