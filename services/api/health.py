"""Liveness, readiness and metrics of the process."""

import asyncio
from typing import Any, Final

from litestar import Response
from prometheus_client import generate_latest

from schemas.ids import PostId
from services.api.answers import Health
from services.api.auth.access import Access
from services.api.operation import AnyRequest, Endpoint, Operation
from services.api.queries import NoQuery
from services.errors import StoreUnavailable
from services.metrics.metrics import EXPOSITION_TYPE, Metrics
from services.posts.store import PostStore

READY_SECONDS: Final = 2.0
"""Longest wait for the store; probes repeat soon anyway."""
_NO_POST: Final = PostId(1)

LIVE = Operation(
    id="live",
    path="/livez",
    summary="Check that the process is alive",
    access=Access.OPEN,
    response=Health,
    example=Health(),
)
READY = Operation(
    id="ready",
    path="/readyz",
    summary="Check that the store answers",
    access=Access.OPEN,
    response=Health,
    example=Health(),
)
METRICS = Operation(
    id="metrics",
    path="/metrics",
    summary="Read the metrics for Prometheus",
    access=Access.OPERATOR,
    example='timeline_api_request_seconds_count{route="/livez",status="200"} 1.0\n',
    media_type="text/plain",
)


def endpoints(posts: PostStore, metrics: Metrics) -> list[Endpoint]:
    async def live(_: AnyRequest, _query: NoQuery, _viewer: None) -> Response[Any]:
        return Response(Health())

    async def ready(_: AnyRequest, _query: NoQuery, _viewer: None) -> Response[Any]:
        try:
            async with asyncio.timeout(READY_SECONDS):
                await posts.load([_NO_POST])
        except TimeoutError as error:
            raise StoreUnavailable(f"no answer in {READY_SECONDS:g} s") from error
        return Response(Health())

    async def measured(_: AnyRequest, _query: NoQuery, _viewer: None) -> Response[Any]:
        return Response(generate_latest(metrics.registry), media_type=EXPOSITION_TYPE)

    return [Endpoint(LIVE, live), Endpoint(READY, ready), Endpoint(METRICS, measured)]
