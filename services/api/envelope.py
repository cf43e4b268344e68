"""What every request gets around its handler: an id, which is in the log, and a measurement."""

import re
from collections.abc import Callable
from time import perf_counter
from typing import Final
from urllib.parse import unquote

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from services.api.stream.wire import EVENT_STREAM
from services.metrics.metrics import Metrics

REQUEST_ID: Final = "X-Request-Id"
_HEADER: Final = REQUEST_ID.lower().encode()
_VARY: Final = (b"vary", b"Accept-Encoding")
"""Beside what CORS adds: also answers that are as they are would be compressed for others."""
_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")
"""Ids of clients and proxies that are taken over; others could not stand in a log as they are."""
_SLASH: Final = re.compile("%2F", re.IGNORECASE)

_log = structlog.get_logger(__name__)


def identify_requests(app: ASGIApp, new_id: Callable[[], str]) -> ASGIApp:
    """Return the app with an id for each request, in its answer and in all that it logs.

    Answers also say which other header they depend on.
    """

    async def identified(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        request_id = _given_id(scope) or new_id()

        async def add_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                added = (_HEADER, request_id.encode()), _VARY
                message["headers"] = [*message["headers"], *added]
            await send(message)

        with bound_contextvars(request_id=request_id):
            await app(scope, receive, add_id)

    return identified


def _given_id(scope: Scope) -> str | None:
    given = [value for name, value in scope["headers"] if name == _HEADER]
    if len(given) != 1 or not _ID.fullmatch(given[0]):
        return None
    return given[0].decode()


def keep_encoded_slashes(app: ASGIApp) -> ASGIApp:
    """Return the app with `%2F` left in the paths by which it routes: it is part of a name."""

    async def routed(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP:
            parts = _SLASH.split(scope["raw_path"].decode("ascii", "replace"))
            if len(parts) > 1:
                scope["path"] = "%2F".join(map(unquote, parts))
        await app(scope, receive, send)

    return routed


def measure_requests(app: ASGIApp, metrics: Metrics) -> ASGIApp:
    """Return the app with each request measured and logged, once it is over.

    Both name its route's template, as paths and queries hold ids, words, cursors and tickets;
    unknown paths share one. A stream is measured until it begins, since its duration is up to the
    client, and logged with all of it.
    """

    async def measured(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        started, status = perf_counter(), 500
        stream_began: float | None = None

        async def observe_start(message: Message) -> None:
            nonlocal status, stream_began
            if message["type"] == "http.response.start":
                status = int(message["status"])
                if (b"content-type", EVENT_STREAM.encode()) in message["headers"]:
                    stream_began = perf_counter()
            await send(message)

        try:
            await app(scope, receive, observe_start)
        finally:
            route, ended = scope.get("path_template", "unknown"), perf_counter()
            histogram = metrics.api_request_seconds.labels(route, status)
            histogram.observe((stream_began or ended) - started)
            seconds = round(ended - started, 6)
            _log.info(
                "answered", method=scope["method"], route=route, status=status, seconds=seconds
            )

    return measured
