"""One client cannot make a server fall: real processes, as an operator starts them."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import httpx
import pytest

from schemas import topics
from streams.embedded.mock_broker import MockBroker
from tests.embedded.http_clients import LIVE, PATIENCE, ask, close_all, hold, is_live, pour

OPEN_FILES = 256
"""Limit of the processes, so that a few hundred connections exhaust it."""
CUT_OFF = 20 << 20
"""A flood of so many bytes is not read to its end; the kernels' buffers alone take some 5 MB."""
GET = b"GET /livez HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /livez HTTP/1.1\r\nHost: x\r\n"


@contextmanager
def process(command: str, bootstrap: str) -> Iterator[int]:
    """Run a process with few open files; yield its port."""
    mingle = str(Path(sys.executable).with_name("mingle"))
    settings = {
        "STORE": "memory",
        "API_PORT": "0",
        "METRICS_PORT": "0",
        "KAFKA_BOOTSTRAP": bootstrap,
    }
    given = os.environ | {f"MINGLE_{name}": value for name, value in settings.items()}
    limited = ["sh", "-c", f'ulimit -n {OPEN_FILES}; exec "$0" "$1"', mingle, command]
    with subprocess.Popen(limited, env=given, stderr=subprocess.PIPE) as running:
        assert running.stderr is not None
        try:
            logged = map(json.loads, running.stderr)
            started = next(each for each in logged if each["event"].endswith(" started"))
            # Every request is logged: what nobody reads would fill the pipe, and hold the process.
            Thread(target=running.stderr.read, daemon=True).start()
            address = started.get("address") or started["health"]
            yield httpx.URL(address).port or 0
            running.send_signal(signal.SIGTERM)
            assert running.wait(PATIENCE) == 0
        finally:
            running.kill()


@pytest.fixture(scope="module", params=["api", "worker"])
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    with MockBroker() as broker:
        for name in topics.load_topics():
            broker.create_topic(name)
        with process(request.param, broker.bootstrap) as port:
            yield port


def refusals(port: int) -> dict[str, float]:
    """Return how often a client was refused, by reason."""
    lines = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE).text.splitlines()
    name = "timeline_http_refusals_total"
    return {
        each.split('"')[1]: float(each.split()[-1])
        for each in lines
        if each.startswith(f"{name}{{")
    }


@pytest.mark.parametrize(
    ("head", "block", "reason"),
    [
        (GET, b"x: y\r\n" * 10_000, "headers"),
        (GET + b"X: ", b"a" * 65_536, "headers"),
        (b"GET /", b"a" * 65_536, "request_line"),
        (POST + b"Content-Length: 100000000\r\n\r\n", b"a" * 65_536, "body"),
        (
            POST + b"Transfer-Encoding: chunked\r\n\r\n",
            b"8000\r\n" + b"a" * 0x8000 + b"\r\n",
            "body",
        ),
        (b"", LIVE * 1_000, "pipeline"),
    ],
    ids=["lines", "a header", "a line", "a body", "chunks", "requests"],
)
def test_a_flood_is_cut_off(port: int, head: bytes, block: bytes, reason: str) -> None:
    """It is not read, let alone kept, and counted once; the next client is served."""
    before = refusals(port).get(reason, 0)
    assert pour(port, head, block, CUT_OFF) < CUT_OFF
    assert is_live(port)
    assert refusals(port)[reason] == before + 1


HELD = {
    "half a head": GET + b"X-Half",
    "nothing": b"",
    "half a body": GET + b"Content-Length: 9\r\n\r\nhalf",
    "a request": LIVE,
}


@pytest.mark.parametrize("name", HELD)
def test_connections_that_are_held_keep_nobody_out(port: int, name: str) -> None:
    """More of them than the process may have files; the one that waited longest makes room."""
    held = hold(port, OPEN_FILES + 50, HELD[name])
    try:
        assert [is_live(port) for _ in range(5)] == [True] * 5
        assert refusals(port)["full"] >= 1
    finally:
        close_all(held)


CLOSE = b"Connection: close\r\n\r\n"
ODD = {
    "100 headers": (GET + b"a: b\r\n" * 98 + CLOSE, [200]),
    "101 headers": (GET + b"a: b\r\n" * 100 + b"\r\n", [431]),
    "15 KiB of headers": (GET + b"X: " + b"a" * (15 << 10) + b"\r\n" + CLOSE, [200]),
    "16 KiB and more": (GET + b"X: " + b"a" * (16 << 10) + b"\r\n\r\n", [431]),
    "a line of 8,000": (GET.replace(b"livez", b"livez?" + b"a" * 7_980) + CLOSE, [200]),
    "a line of 8 KiB and more": (GET.replace(b"livez", b"livez?" + b"a" * 8_192) + CLOSE, [414]),
    "a long body": (POST + b"Content-Length: 16385\r\n\r\n", [413]),
    "a short body": (POST + b"Content-Length: 5\r\n" + CLOSE + b"hello", [405]),
    "chunks": (POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", [413]),
    "chunks of a length": (
        POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + LIVE,
        [400],
    ),
    "two lengths": (POST + b"Content-Length: 0\r\nContent-Length: 44\r\n\r\n" + LIVE, [400]),
    "a signed length": (POST + b"Content-Length: +5\r\n\r\nhello" + LIVE, [400]),
    "a blank before the colon": (POST + b"Content-Length : 5\r\n\r\nhello" + LIVE, [400]),
    "two hosts": (GET + b"Host: y\r\n\r\n", [400]),
    "no host": (b"GET /livez HTTP/1.1\r\n\r\n", [400]),
    "HTTP/0.9": (b"GET /livez\r\n\r\n", [400]),
    "HTTP/1.0": (b"GET /livez HTTP/1.0\r\n\r\n", [200]),
    "line feeds alone": (GET.replace(b"\r", b"") + b"\n", [400]),
    "carriage returns alone": (GET + b"X: a\rb\r\n\r\n", [400]),
    "a folded header": (GET + b"X: a\r\n b\r\n\r\n", [400]),
    "a null": (GET + b"X: a\0b\r\n\r\n", [400]),
    "CONNECT": (b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", [400]),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400]),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", [400]),
    "another protocol": (GET + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n" + LIVE, [200]),
    "51 at once": (LIVE * 51, [200] * 17),
    "more after the last": (GET + CLOSE + LIVE, [200]),
}


@pytest.mark.parametrize("name", ODD)
def test_what_is_odd_is_refused_once(port: int, name: str) -> None:
    """Nothing that follows it is taken for another request, and the connection ends."""
    sent, expected = ODD[name]
    assert ask(port, sent) == expected
