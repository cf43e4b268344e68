"""The API's server: any free port, no signals of its own, gone when its context ends."""

import signal

import httpx
import pytest
from litestar import Litestar, get

from streams.process.serving import Address, serve_app


@get("/hello")
async def hello() -> str:
    return "world"


def app() -> Litestar:
    return Litestar([hello], logging_config=None)


async def test_it_answers_while_the_context_lasts() -> None:
    """On the port that was free; afterwards nothing listens there."""
    async with httpx.AsyncClient() as client:
        async with serve_app(app(), "127.0.0.1", 0) as address:
            assert (await client.get(f"{address}/hello")).text == "world"
        with pytest.raises(httpx.ConnectError):
            await client.get(f"{address}/hello")


async def test_it_leaves_signals_alone() -> None:
    """They belong to the process, which may have more to stop."""
    before = signal.getsignal(signal.SIGTERM)
    async with serve_app(app(), "127.0.0.1", 0):
        assert signal.getsignal(signal.SIGTERM) is before


async def test_a_taken_port_is_an_error() -> None:
    """At once, not after a wait."""
    async with serve_app(app(), "127.0.0.1", 0) as address:
        with pytest.raises(OSError, match="in use"):
            async with serve_app(app(), "127.0.0.1", address.port):
                pass


def test_addresses_are_written_as_urls() -> None:
    """IPv6 in brackets."""
    assert str(Address("127.0.0.1", 80)) == "http://127.0.0.1:80"
    assert str(Address("::1", 80)) == "http://[::1]:80"
