"""HTTP connections that hold no more than their bounds: uvicorn's protocol, which itself has none.

What a client sends is counted before it is kept. A client that exceeds a bound is answered with a
problem where that is still possible, and no longer listened to.
"""

import asyncio
from http import HTTPStatus
from typing import Any, Final

import msgspec
from httptools import HttpParserError, HttpParserUpgrade
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from services.api.problems import PROBLEM_JSON, Problem
from streams.process.room import Refusal, Room

MAX_REQUEST_LINE: Final = 8 << 10
MAX_HEADER_BYTES: Final = 16 << 10
MAX_HEADERS: Final = 100
"""Bounds of a request's head, as in the public contract; common clients and proxies stay below."""
MAX_BODY_BYTES: Final = 16 << 10
"""No operation takes a body. A small one is dropped, so that a POST learns of its method first."""
REQUEST_SECONDS: Final = 10.0
"""For a client to send a request, from the connection or its first byte on."""
UNREAD_SECONDS: Final = 60.0
UNREAD_BYTES: Final = 64 << 10
"""Once its buffers are full, a client takes at least so much of an answer in each such time, which
the slowest phone does; streams have their own, shorter bound."""
MAX_PIPELINED: Final = 16
"""Requests that wait behind one that is being answered; browsers send none."""
SLICE: Final = 8 << 10
"""Bytes parsed at once, so that counts are checked in between."""
LINGER_SECONDS: Final = 2.0
LINGER_BYTES: Final = 1 << 20
"""How long, and up to how many bytes, a refused client may still send. Closing with bytes unread
would reset the connection, and the client could lose the answer that says why."""

REQUEST_LINE: Final = Refusal(
    "request_line",
    HTTPStatus.REQUEST_URI_TOO_LONG,
    f"the request line has more than {MAX_REQUEST_LINE} bytes",
)
HEADERS: Final = Refusal(
    "headers",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    f"the request has more than {MAX_HEADERS} headers, or {MAX_HEADER_BYTES} bytes of them",
)
BODY: Final = Refusal(
    "body",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    f"the request has a body of more than {MAX_BODY_BYTES} bytes, or of no declared length",
)
SLOW: Final = Refusal(
    "slow",
    HTTPStatus.REQUEST_TIMEOUT,
    f"the request was not complete within {REQUEST_SECONDS:g} seconds",
)
UNREAD: Final = Refusal("unread", HTTPStatus.REQUEST_TIMEOUT, "the answer was not taken in time")
INVALID: Final = Refusal("invalid", HTTPStatus.BAD_REQUEST, "this is not a valid HTTP/1.1 request")
HOST: Final = Refusal("invalid", HTTPStatus.BAD_REQUEST, "expected exactly one Host header")
PIPELINE: Final = Refusal("pipeline", HTTPStatus.TOO_MANY_REQUESTS, "too many requests at once")


class Refused(Exception):
    """A request exceeds a bound. Raised inside of the parser, which it stops."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.detail)
        self.refusal = refusal


class BoundedProtocol(HttpToolsProtocol):
    """One connection; `room` admits it."""

    def __init__(self, room: Room, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._room = room
        self._deaf = False  # whether all that the client still sends is dropped
        self._dropped = 0
        self._in_head = False
        self._in_request = False
        self._head_bytes = 0
        self._header_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._unread_timer: asyncio.TimerHandle | None = None

    # The connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        refusal = self._room.enter(self, self.client[0] if self.client else "")
        if refusal is None:
            self._time_request()
            return
        self._deaf = True
        self._room.count(refusal)
        transport.write(self._response(refusal))
        transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self._stop_unread_timer()
        self._room.leave(self)
        super().connection_lost(exc)

    def make_room(self) -> None:
        self.transport.abort()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._unread_timer is None:
            self._time_unread()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_unread_timer()

    def _time_unread(self) -> None:
        left = self.transport.get_write_buffer_size()
        self._unread_timer = self.loop.call_later(UNREAD_SECONDS, self._end_unread, left)

    def _end_unread(self, before: int) -> None:
        if self.transport.get_write_buffer_size() <= before - UNREAD_BYTES:
            self._time_unread()
            return
        self._room.count(UNREAD)
        self.transport.abort()

    # What arrives

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            self._drop(data)
            return
        self._unset_keepalive_if_required()
        try:
            for start in range(0, len(data), SLICE):
                self._parse(data[start : start + SLICE])
        except HttpParserUpgrade:
            self._answer_no_more()  # no other protocol is spoken: it is a request like others
        except HttpParserError as error:
            cause = error.__context__
            self._refuse(cause.refusal if isinstance(cause, Refused) else INVALID)
        except Refused as refused:
            self._refuse(refused.refusal)
        else:
            if self._in_request or not self._answering:
                self._time_request()
            else:
                self._stop_timer()

    def _parse(self, data: bytes) -> None:
        self.parser.feed_data(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_REQUEST_LINE + MAX_HEADER_BYTES + SLICE:
                raise Refused(HEADERS)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._stop_timer()  # that of the message before
        self._in_request = self._in_head = True
        self._head_bytes = self._header_bytes = 0

    def on_url(self, url: bytes) -> None:
        if len(self.url) + len(url) > MAX_REQUEST_LINE:
            raise Refused(REQUEST_LINE)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._header_bytes += len(name) + len(value) + len(b": \r\n")
        if len(self.headers) >= MAX_HEADERS or self._header_bytes > MAX_HEADER_BYTES:
            raise Refused(HEADERS)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        _check_headers(self.headers, self.parser.get_http_version())
        if len(self.pipeline) >= MAX_PIPELINED:
            raise Refused(PIPELINE)
        super().on_headers_complete()
        self._room.end_waiting(self)

    def on_message_complete(self) -> None:
        self._in_request = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self._answering:
            self._room.begin_waiting(self)

    @property
    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    # What is refused

    def _refuse(self, refusal: Refusal) -> None:
        """Listen no more, and say why unless earlier requests are still being answered."""
        self._room.count(refusal)
        if self._answering:
            self._answer_no_more()
            return
        self._deaf = True
        self._stop_timer()
        self.transport.write(self._response(refusal))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._timer = self.loop.call_later(LINGER_SECONDS, self.transport.abort)

    def _answer_no_more(self) -> None:
        """Close the connection once all requests so far are answered."""
        self._deaf = True
        self._stop_timer()
        self.cycle.keep_alive = False
        if not self._answering:
            self.transport.close()

    def _drop(self, data: bytes) -> None:
        self._dropped += len(data)
        if self._dropped > LINGER_BYTES:
            self.transport.abort()

    def _response(self, refusal: Refusal) -> bytes:
        status = refusal.status
        body = msgspec.json.encode(Problem(status.phrase, status, refusal.detail))
        headers = [
            *self.server_state.default_headers,
            (b"content-type", PROBLEM_JSON.encode()),
            (b"content-length", b"%d" % len(body)),
            (b"connection", b"close"),
        ]
        lines = b"".join(b"%b: %b\r\n" % each for each in headers)
        return STATUS_LINE[status] + lines + b"\r\n" + body

    # Time

    def _time_request(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(REQUEST_SECONDS, self._end_slow)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _stop_unread_timer(self) -> None:
        if self._unread_timer is not None:
            self._unread_timer.cancel()
            self._unread_timer = None

    def _end_slow(self) -> None:
        self._timer = None
        if self._in_request:
            self._refuse(SLOW)
        else:
            self.transport.close()  # nothing was asked, so nothing is answered


def _check_headers(headers: list[tuple[bytes, bytes]], version: str) -> None:
    """Raise Refused for a body that is too large, or a request of which nobody knows the host."""
    hosts = body = 0
    for name, value in headers:
        if name == b"host":
            hosts += 1
        elif name == b"content-length":
            body = int(value)
        elif name == b"transfer-encoding":
            body = MAX_BODY_BYTES + 1  # as much as the client likes
    if body > MAX_BODY_BYTES:
        raise Refused(BODY)
    if hosts > 1 or (hosts == 0 and version != "1.0"):
        raise Refused(HOST)
