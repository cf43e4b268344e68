"""Composes the HTTP API on given stores, without connecting or listening."""

import random
from collections.abc import Iterable
from functools import partial
from time import monotonic
from uuid import uuid4

import structlog
from litestar import Litestar, Response
from litestar.config.cors import CORSConfig
from litestar.datastructures import State
from litestar.handlers import HTTPRouteHandler
from msgspec.json import encode

from services.api import (
    catch_up,
    conversants,
    explain,
    health,
    inbox,
    lists,
    marks,
    mentions,
    posts,
    relations,
    search,
    timelines,
)
from services.api.auth.access import Access, AccessGate
from services.api.auth.audit import audit_requests
from services.api.auth.exposure import require_safe
from services.api.auth.gate import create_access_gate
from services.api.cursors import Cursors
from services.api.document_page import render_document
from services.api.envelope import (
    REQUEST_ID,
    identify_requests,
    keep_encoded_slashes,
    measure_requests,
)
from services.api.explorer import explorer_endpoints
from services.api.openapi import document
from services.api.operation import JSON, AnyRequest, Endpoint, Operation
from services.api.problems import HANDLERS
from services.api.queries import NoQuery
from services.api.rates import Rates
from services.api.stream import endpoint as stream
from services.api.stream.document import LAST_EVENT_ID
from services.api.stream.probe import NewEntryProbe
from services.api.stream.streams import Streams
from services.api.wait_for import MAX_WAIT
from services.clock import Clock
from services.handlers.rebuild import Rebuild
from services.metrics.metrics import Metrics
from services.readers.author import AuthorPosts
from services.readers.catch_up import CatchUpReader
from services.readers.conversants import ConversantsReader
from services.readers.home import Home
from services.readers.inbox import InboxReader
from services.readers.list import ListPosts
from services.readers.marks import ReadMarksReader
from services.readers.mentions import MentionsReader
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
READ_DOCUMENT_PAGE = Operation(
    id="readDocumentPage",
    path="/docs",
    summary="Read this document as a page",
    access=Access.OPEN,
    example="<!doctype html>",
    media_type="text/html",
)
PAGE_HEADERS = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}


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
        *catch_up.endpoints(CatchUpReader(home, reader, retention), returning, cursors),
        *explain.endpoints(home),
        *stream.endpoints(returning, cursors, gate, streams),
        *_other_endpoints(reader, retention, cursors),
        *health.endpoints(stores.posts, metrics),
    ]
    api = Litestar(
        _routes(endpoints, gate, settings),
        exception_handlers=HANDLERS,
        cors_config=_cors(settings),
        openapi_config=None,
        logging_config=None,
        on_startup=[partial(_start, gate)],
        on_shutdown=[returning.stop],
        state=State({"stopping": streams.stop}),
    )
    routed = keep_encoded_slashes(api.asgi_handler)
    audited = audit_requests(measure_requests(routed, metrics))
    api.asgi_handler = identify_requests(audited, lambda: uuid4().hex)
    return api


def _other_endpoints(reader: Reader, retention: Retention, cursors: Cursors) -> list[Endpoint]:
    """Return the endpoints of what is neither a timeline nor about this process."""
    stores = reader.stores
    return [
        *posts.endpoints(reader, cursors),
        *mentions.endpoints(MentionsReader(reader, retention), cursors),
        *inbox.endpoints(InboxReader(reader, retention), cursors, reader.epoch),
        conversants.endpoint(ConversantsReader(reader, retention)),
        *lists.endpoints(ListPosts(reader, retention), cursors),
        *search.endpoints(TagPosts(reader), SearchPosts(reader), cursors, reader.epoch),
        *relations.endpoints(
            RelationsReader(stores.relations, stores.graph), cursors, reader.clock
        ),
        *marks.endpoints(ReadMarksReader(stores.relations), cursors),
    ]


def _cors(settings: Settings) -> CORSConfig | None:
    """Return what lets pages of other origins read answers; they send tokens, and no cookies."""
    if not settings.api_origins:
        return None
    return CORSConfig(
        allow_origins=list(settings.api_origins),
        allow_methods=["GET", "HEAD", "OPTIONS"],
        allow_headers=["Authorization", "If-None-Match", LAST_EVENT_ID, REQUEST_ID],
        expose_headers=["ETag", "Link", "Retry-After", REQUEST_ID],
    )


def _create_returning_users(
    home: Home, reader: Reader, retention: Retention, metrics: Metrics
) -> ReturningUsers:
    stores, clock = reader.stores, reader.clock
    rebuild = Rebuild(stores, retention, clock)
    return ReturningUsers(home, stores.activity, rebuild, metrics, clock)


def _routes(
    endpoints: list[Endpoint], gate: AccessGate, settings: Settings
) -> list[HTTPRouteHandler]:
    documents = _document_endpoints(endpoints, gate)
    rates = Rates(settings.api_rate, monotonic)
    served = [*endpoints, *documents, *explorer_endpoints(settings)]
    return [each.route(gate, rates) for each in served]


def _document_endpoints(endpoints: Iterable[Endpoint], gate: AccessGate) -> list[Endpoint]:
    """Return the endpoints that serve the document of these endpoints and themselves."""
    described = [*(each.operation for each in endpoints), READ_DOCUMENT, READ_DOCUMENT_PAGE]
    made = document(described, authenticated=gate.tokens is not None)
    written, page = encode(made), render_document(made)

    async def read_document(_: AnyRequest, _query: NoQuery, _viewer: None) -> Response[bytes]:
        return Response(written, media_type=JSON)

    async def read_page(_: AnyRequest, _query: NoQuery, _viewer: None) -> Response[str]:
        return Response(page, media_type=READ_DOCUMENT_PAGE.media_type, headers=PAGE_HEADERS)

    return [Endpoint(READ_DOCUMENT, read_document), Endpoint(READ_DOCUMENT_PAGE, read_page)]


async def _start(gate: AccessGate) -> None:
    """Log who may connect, and fetch keys before the first token arrives."""
    if gate.tokens is None:
        _log.warning("no authentication is configured; the API serves this machine only")
    else:
        gate.tokens.keys.refresh()
        _log.info("the API requires tokens", algorithms=sorted(gate.tokens.keys.algorithms))
