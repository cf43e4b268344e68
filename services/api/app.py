"""Composes the HTTP API on given stores, without connecting or listening."""

import random
from collections.abc import Iterable
from functools import partial
from time import perf_counter

import structlog
from litestar import Litestar, Response
from litestar.datastructures import State
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from msgspec.json import encode

from services.api import health, lists, posts, relations, search, timelines
from services.api.auth.access import Access, AccessGate
from services.api.auth.exposure import require_safe
from services.api.auth.gate import create_access_gate
from services.api.cursors import Cursors
from services.api.openapi import document
from services.api.operation import JSON, AnyRequest, Endpoint, Operation
from services.api.problems import HANDLERS
from services.api.queries import NoQuery
from services.api.stream import endpoint as stream
from services.api.stream.probe import NewEntryProbe
from services.api.stream.streams import Streams
from services.api.stream.wire import EVENT_STREAM
from services.api.wait_for import MAX_WAIT
from services.clock import Clock
from services.handlers.rebuild import Rebuild
from services.metrics.metrics import Metrics
from services.readers.author import AuthorPosts
from services.readers.home import Home
from services.readers.list import ListPosts
from services.readers.people import RelationsReader
from services.readers.reader import Reader
from services.readers.returning import ReturningUsers
from services.readers.search import SearchPosts
from services.readers.tag import TagPosts
from services.retention import Retention
from services.settings.settings import Settings
from services.stores import Stores

_log = structlog.get_logger(__name__)

READ_DOCUMENT = Operation(
    id="readDocument",
    path="/openapi.json",
    summary="Read this OpenAPI document",
    access=Access.OPEN,
    example={"openapi": "3.1.0"},
)


def build_api(
    stores: Stores,
    settings: Settings,
    metrics: Metrics,
    clock: Clock,
    max_wait_seconds: float = MAX_WAIT,
) -> Litestar:
    """Return the API as an ASGI app; `max_wait_seconds` bounds `wait_for`.

    Raises UnusableSettings, in particular UnsafeExposure if anybody could connect.
    """
    require_safe(settings)
    gate = create_access_gate(settings, clock)
    reader = Reader(stores, clock, settings.epoch)
    retention = Retention(settings.retention_days, settings.epoch)
    home = Home(reader, retention)
    returning = _create_returning_users(home, reader, retention, metrics)
    cursors = Cursors(settings.cursor_keys)
    probe = NewEntryProbe(
        stores, home.pulled_authors, clock, settings.epoch, settings.stream_probe_seconds
    )
    streams = Streams(settings, probe, metrics, random.random)
    endpoints = [
        *timelines.endpoints(home, returning, AuthorPosts(reader), cursors, max_wait_seconds),
        *stream.endpoints(returning, cursors, gate, streams),
        *posts.endpoints(reader, cursors),
        *lists.endpoints(ListPosts(reader, retention), cursors),
        *search.endpoints(TagPosts(reader), SearchPosts(reader), cursors, settings.epoch),
        *relations.endpoints(RelationsReader(stores.relations, stores.graph), cursors, clock),
        *health.endpoints(stores.posts, metrics),
    ]
    endpoints.append(_document_endpoint(endpoints, gate))
    api = Litestar(
        [each.route(gate) for each in endpoints],
        exception_handlers=HANDLERS,
        openapi_config=None,
        logging_config=None,
        on_startup=[partial(_start, gate)],
        on_shutdown=[returning.stop],
        state=State({"stopping": streams.stop}),
    )
    api.asgi_handler = measure_requests(api.asgi_handler, metrics)
    return api


def _create_returning_users(
    home: Home, reader: Reader, retention: Retention, metrics: Metrics
) -> ReturningUsers:
    stores, clock = reader.stores, reader.clock
    rebuild = Rebuild(stores, retention, clock)
    return ReturningUsers(home, stores.activity, rebuild, metrics, clock)


def measure_requests(app: ASGIApp, metrics: Metrics) -> ASGIApp:
    """Return the app with each request measured by its route template; unknown paths share one.

    A stream is measured until it begins, since its duration is up to the client.
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
            route = scope.get("path_template", "unknown")
            histogram = metrics.api_request_seconds.labels(route, status)
            histogram.observe((stream_began or perf_counter()) - started)

    return measured


def _document_endpoint(endpoints: Iterable[Endpoint], gate: AccessGate) -> Endpoint:
    """Return the endpoint that serves the document of these endpoints and itself."""
    described = [*(each.operation for each in endpoints), READ_DOCUMENT]
    written = encode(document(described, authenticated=gate.tokens is not None))

    async def read_document(_: AnyRequest, _query: NoQuery, _viewer: None) -> Response[bytes]:
        return Response(written, media_type=JSON)

    return Endpoint(READ_DOCUMENT, read_document)


async def _start(gate: AccessGate) -> None:
    """Log who may connect, and fetch keys before the first token arrives."""
    if gate.tokens is None:
        _log.warning("no authentication is configured; the API serves this machine only")
    else:
        gate.tokens.keys.refresh()
        _log.info("the API requires tokens", algorithms=sorted(gate.tokens.keys.algorithms))
