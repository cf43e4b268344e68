"""The HTTP API on given stores. Nothing connects here, and nothing listens."""

from time import perf_counter

import structlog
from litestar import Litestar, Response, get
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from msgspec.json import encode

from services.api import health, posts, timelines
from services.api.arrival import MAX_WAIT
from services.api.cursors import Cursors
from services.api.exposure import require_loopback
from services.api.openapi import document
from services.api.operation import JSON, Operation
from services.api.problems import HANDLERS
from services.api.queries import NoQuery
from services.metrics import Metrics
from services.reading import Reader
from services.settings import Settings
from services.stores import Stores
from services.timelines.author import AuthorPosts
from services.timelines.home import Home
from services.timelines.retention import Clock, Retention

_log = structlog.get_logger(__name__)

READ_DOCUMENT = Operation(
    id="readDocument",
    path="/openapi.json",
    summary="This document",
    asks=NoQuery,
    answers=None,
    example={"openapi": "3.1.0"},
)


def create_api(
    stores: Stores,
    settings: Settings,
    metrics: Metrics,
    clock: Clock,
    patience: float = MAX_WAIT,
) -> Litestar:
    """The API as an ASGI app; `patience` in seconds bounds `wait_for`.

    Raises Exposed for settings that would let anybody in.
    """
    require_loopback(settings.api_host)
    reader = Reader(stores, settings.epoch)
    home = Home(reader, Retention(settings.retention_days, settings.epoch), clock)
    cursors = Cursors(settings.cursor_keys)
    endpoints = [
        *timelines.endpoints(home, AuthorPosts(reader), cursors, patience),
        *posts.endpoints(reader),
        *health.endpoints(stores.posts, metrics),
    ]
    described = [each.operation for each in endpoints]
    written = encode(document([*described, READ_DOCUMENT]))

    @get(READ_DOCUMENT.path)
    async def read_document() -> Response[bytes]:
        return Response(written, media_type=JSON)

    api = Litestar(
        [*(each.route() for each in endpoints), read_document],
        exception_handlers=HANDLERS,
        openapi_config=None,
        logging_config=None,
        on_startup=[_say_who_is_let_in],
    )
    api.asgi_handler = timed(api.asgi_handler, metrics)
    return api


def timed(app: ASGIApp, metrics: Metrics) -> ASGIApp:
    """Measures each answer by its route's template; paths that nothing serves count as one."""

    async def measured(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        started, status = perf_counter(), 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
            await send(message)

        try:
            await app(scope, receive, noted)
        finally:
            route = scope.get("path_template", "unknown")
            histogram = metrics.api_request_seconds.labels(route, status)
            histogram.observe(perf_counter() - started)

    return measured


async def _say_who_is_let_in() -> None:
    _log.warning("no authentication is configured: the API serves this machine only")
