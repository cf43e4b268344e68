"""A worker's health and metrics over HTTP: /livez, /readyz, /metrics."""

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any, Protocol

import structlog
from litestar import Litestar, Response, get
from litestar.handlers import HTTPRouteHandler
from prometheus_client import CollectorRegistry, generate_latest

from services.metrics.metrics import EXPOSITION_TYPE
from streams.background import repeat

READINESS_SECONDS = 1.0
"""Between two looks, at most: how late a line of the log may say what is ready."""

log = structlog.get_logger(__name__)


class Watched(Protocol):
    """Something that reports problems, such as `streams.delivery.intake.Intake`."""

    def stuck(self) -> list[str]:
        """Return problems that only a restart solves."""

    def missing(self) -> list[str]:
        """Return what keeps messages from being handled."""


class Readiness:
    """Logs when what is watched becomes ready, and when something is missing again."""

    def __init__(self, watched: Sequence[Watched]) -> None:
        self._watched = watched
        self._ready = False

    async def look(self) -> None:
        """Compare with the last look; what is missing at the start is not news."""
        missing = [why for each in self._watched for why in each.missing()]
        if missing and self._ready:
            log.warning("not ready", problems=missing)
        elif not missing and not self._ready:
            log.info("ready")
        self._ready = not missing

    async def watch(self) -> None:
        """Look again and again."""
        await repeat(self.look, READINESS_SECONDS, "readiness is not known")


def create_health(intakes: Sequence[Watched], registry: CollectorRegistry) -> Litestar:
    """Return the site, which answers 200, or 503 with the problems.

    A worker is live while its loops make progress: when one does not, only a restart helps. It is
    ready when its topics all exist and it has its share of their partitions.
    """

    @get("/metrics")
    async def metrics() -> Response[bytes]:
        return Response(generate_latest(registry), media_type=EXPOSITION_TYPE)

    return Litestar(
        [
            _endpoint("/livez", lambda: [each for intake in intakes for each in intake.stuck()]),
            _endpoint("/readyz", lambda: [each for intake in intakes for each in intake.missing()]),
            metrics,
        ],
        openapi_config=None,
        logging_config=None,
    )


def _endpoint(path: str, problems: Callable[[], Sequence[str]]) -> HTTPRouteHandler:
    @get(path)
    async def answer() -> Response[Any]:
        found = problems()
        status = HTTPStatus.SERVICE_UNAVAILABLE if found else HTTPStatus.OK
        return Response({"problems": found}, status_code=status)

    return answer
