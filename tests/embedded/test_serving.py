"""The API's server: any free port, no signals of its own, gone when its context ends."""

import resource
import signal
from typing import Any

import httpx
import pytest
from litestar import Litestar, Request, get
from prometheus_client import CollectorRegistry

from services.metrics.metrics import Metrics
from streams.process.room import Room
from streams.process.serving import OTHER_FILES, Address, allow_files, serve_app


@get("/hello")
async def hello() -> str:
    return "world"


@get("/whoami")
async def whoami(request: Request[Any, Any, Any]) -> str:
    return request.client.host if request.client else ""


def app() -> Litestar:
    return Litestar([hello, whoami], logging_config=None)


def room() -> Room:
    return Room(Metrics(CollectorRegistry()))


async def test_it_answers_while_the_context_lasts() -> None:
    """On the port that was free; afterwards nothing listens there."""
    async with httpx.AsyncClient() as client:
        async with serve_app(app(), "127.0.0.1", 0, room()) as address:
            assert (await client.get(f"{address}/hello")).text == "world"
        with pytest.raises(httpx.ConnectError):
            await client.get(f"{address}/hello")


async def test_it_leaves_signals_alone() -> None:
    """They belong to the process, which may have more to stop."""
    before = signal.getsignal(signal.SIGTERM)
    async with serve_app(app(), "127.0.0.1", 0, room()):
        assert signal.getsignal(signal.SIGTERM) is before


async def test_a_taken_port_is_an_error() -> None:
    """At once, not after a wait."""
    async with serve_app(app(), "127.0.0.1", 0, room()) as address:
        with pytest.raises(OSError, match="in use"):
            async with serve_app(app(), "127.0.0.1", address.port, room()):
                pass


def test_addresses_are_written_as_urls() -> None:
    """IPv6 in brackets."""
    assert str(Address("127.0.0.1", 80)) == "http://127.0.0.1:80"
    assert str(Address("::1", 80)) == "http://[::1]:80"


@pytest.mark.parametrize(
    ("proxies", "seen"),
    [((), "127.0.0.1"), (("10.0.0.1",), "127.0.0.1"), (("127.0.0.0/8",), "192.0.2.7")],
)
async def test_only_named_proxies_are_believed(proxies: tuple[str, ...], seen: str) -> None:
    """Anybody can write an X-Forwarded-For."""
    async with (
        serve_app(app(), "127.0.0.1", 0, room(), proxies) as address,
        httpx.AsyncClient() as client,
    ):
        headers = {"X-Forwarded-For": "192.0.2.7"}
        assert (await client.get(f"{address}/whoami", headers=headers)).text == seen


@pytest.mark.parametrize(
    ("limits", "soft", "allowed"),
    [
        ((1_024, 1 << 20), 5_000 + OTHER_FILES, 5_000),
        ((1_024, 4_096), 4_096, 4_096 - OTHER_FILES),
        ((256, 256), 256, 256 - OTHER_FILES),
        ((1 << 20, 1 << 20), 1 << 20, 5_000),
        ((1_024, resource.RLIM_INFINITY), 5_000 + OTHER_FILES, 5_000),
        ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), resource.RLIM_INFINITY, 5_000),
    ],
)
def test_connections_leave_files_for_the_rest(
    monkeypatch: pytest.MonkeyPatch, limits: tuple[int, int], soft: int, allowed: int
) -> None:
    """The limit of open files is raised as far as it may be, and then decides."""
    held = [limits]
    monkeypatch.setattr(resource, "getrlimit", lambda _: held[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, both: held.append(both))
    assert allow_files(5_000) == allowed
    assert held[-1] == (soft, limits[1])
