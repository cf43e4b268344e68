"""A worker's health and metrics over HTTP: /livez, /readyz, /metrics."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

HealthEndpoint = Callable[[web.Request], Awaitable[web.Response]]
UNAVAILABLE = 503


class Watched(Protocol):
    """Something that reports problems, such as `streams.delivery.intake.Intake`."""

    def stuck(self) -> list[str]:
        """Return problems that only a restart solves."""

    def missing(self) -> list[str]:
        """Return what keeps messages from being handled."""


def create_health(intakes: Sequence[Watched], registry: CollectorRegistry) -> web.Application:
    """Return the site, which answers 200, or 503 with the problems.

    A worker is live while its loops make progress: when one does not, only a restart helps. It is
    ready when its topics all exist and it has its share of their partitions.
    """
    site = web.Application()
    site.router.add_get(
        "/livez", _endpoint(lambda: [each for intake in intakes for each in intake.stuck()])
    )
    site.router.add_get(
        "/readyz", _endpoint(lambda: [each for intake in intakes for each in intake.missing()])
    )

    async def metrics(_: web.Request) -> web.Response:
        headers = {"Content-Type": CONTENT_TYPE_LATEST}
        return web.Response(body=generate_latest(registry), headers=headers)

    site.router.add_get("/metrics", metrics)
    return site


async def serve_health(site: web.Application, host: str, port: int) -> web.AppRunner:
    """Listen until the runner's `cleanup` is awaited. Raises OSError when the port is taken."""
    runner = web.AppRunner(site, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner


def _endpoint(problems: Callable[[], Sequence[str]]) -> HealthEndpoint:
    async def answer(_: web.Request) -> web.Response:
        found = problems()
        return web.json_response({"problems": found}, status=UNAVAILABLE if found else 200)

    return answer
