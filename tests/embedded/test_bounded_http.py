"""Connections that take their time, and which of them make room for others."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from litestar import Litestar, Response, get
from prometheus_client import CollectorRegistry

from services.metrics.metrics import Metrics
from streams.process import bounded_http
from streams.process.room import ADDRESS, FULL, Room
from streams.process.serving import serve_app
from tests.embedded.http_clients import PATIENCE, statuses

SOON = 0.5
"""Long enough for a client that is not slow, also on a machine that is."""
GET = b"GET /hello HTTP/1.1\r\nHost: x\r\n"
LAST = GET + b"Connection: close\r\n\r\n"
LARGE = 20_000_000
"""Bytes that no buffers of kernel and server take."""


class Site:
    """A server in this process; `answer` ends the requests to /slow."""

    def __init__(self) -> None:
        self.metrics = Metrics(CollectorRegistry())
        self.answer = asyncio.Event()
        self.asked = asyncio.Semaphore(0)
        self.port = 0

    def app(self) -> Litestar:
        @get("/hello")
        async def hello() -> str:
            return "world"

        @get("/slow")
        async def slow() -> str:
            self.asked.release()
            await self.answer.wait()
            return "done"

        @get("/large")
        async def large() -> Response[bytes]:
            return Response(b"x" * LARGE)

        return Litestar([hello, slow, large], logging_config=None)

    async def send(self, *parts: bytes) -> bytes:
        """Send the parts, and return all answers once the server has closed the connection."""
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            for part in parts:
                writer.write(part)
                await writer.drain()
            received = await reader.read()
            writer.close()
            return received

    def refused(self, reason: str) -> float | None:
        labels = {"reason": reason}
        return self.metrics.registry.get_sample_value("timeline_http_refusals_total", labels)

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not holds():  # noqa: ASYNC110 - a metric sets no event
                await asyncio.sleep(SOON / 10)

    def open(self) -> float | None:
        return self.metrics.registry.get_sample_value("timeline_http_connections_open")


@asynccontextmanager
async def serving(most: int = 100, per_address: int = 0) -> AsyncIterator[Site]:
    site = Site()
    room = Room(site.metrics, most, per_address)
    async with serve_app(site.app(), "127.0.0.1", 0, room) as address:
        site.port = address.port
        yield site


@pytest.fixture
async def site(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    """A server that waits for no request for long."""
    monkeypatch.setattr(bounded_http, "REQUEST_SECONDS", SOON)
    async with serving() as site:
        yield site


@pytest.mark.parametrize("sent", [b"GET /hel", GET + b"X-Half", GET])
async def test_half_a_request_gets_408(site: Site, sent: bytes) -> None:
    """As a problem, and is counted."""
    head, _, body = (await site.send(sent)).partition(b"\r\n\r\n")
    assert statuses(head) == [408]
    assert b"content-type: application/problem+json" in head
    assert b"connection: close" in head
    assert json.loads(body)["status"] == 408
    assert site.refused("slow") == 1


@pytest.mark.parametrize(
    ("start", "drop"),
    [(GET, b"x: y\r\n"), (GET + b"X: ", b"a"), (b"", b"\r\n"), (GET + b"\r\n", b"\r\n")],
    ids=["lines", "a line", "blank lines", "blank lines after an answer"],
)
async def test_drops_do_not_prolong_the_time(site: Site, start: bytes, drop: bytes) -> None:
    """However steadily they come."""
    async with asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(start)
        reading = asyncio.create_task(reader.read())
        while not reading.done():
            writer.write(drop)
            await asyncio.wait([reading], timeout=SOON / 5)
        writer.close()


async def test_a_connection_on_which_nothing_is_asked_is_closed(site: Site) -> None:
    """Without an answer, which could be taken for that of a request just sent."""
    assert await site.send(b"") == b""
    assert site.refused("slow") is None


async def test_the_second_request_has_as_much_time_as_the_first(site: Site) -> None:
    """After an answer, half of the next one is 408."""
    assert statuses(await site.send(GET + b"\r\n" + GET)) == [200, 408]


async def test_half_a_body_is_not_waited_for_longer(site: Site) -> None:
    """The request is answered, and its connection ends."""
    received = await site.send(GET + b"Content-Length: 9\r\n\r\nhalf")
    assert statuses(received)[0] == 200
    assert site.refused("slow") == 1


async def test_a_request_that_takes_long_to_answer_is_not_slow(site: Site) -> None:
    """Also when half of another waits behind it, which is then not waited for."""
    slow = LAST.replace(b"hello", b"slow").replace(b"Connection: close\r\n", b"")
    asking = asyncio.create_task(site.send(slow, GET))
    async with asyncio.timeout(PATIENCE):
        await site.asked.acquire()
    await site.until(lambda: site.refused("slow") == 1)
    site.answer.set()
    assert statuses(await asking) == [200]


async def test_answers_that_nobody_takes_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their bytes, and the connection, are held for so long and no longer."""
    monkeypatch.setattr(bounded_http, "UNREAD_SECONDS", SOON)
    async with serving() as site, asyncio.timeout(PATIENCE):
        _, writer = await asyncio.open_connection("127.0.0.1", site.port, limit=1)
        writer.write(LAST.replace(b"hello", b"large"))
        await site.until(lambda: site.refused("unread") == 1 and not site.open())
        writer.close()
        assert site.refused("unread") == 1


async def test_whoever_takes_an_answer_slowly_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes several times as long as nothing may be taken."""
    monkeypatch.setattr(bounded_http, "UNREAD_SECONDS", SOON)
    async with serving() as site, asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(LAST.replace(b"hello", b"large"))
        head = await reader.readuntil(b"\r\n\r\n")
        for _ in range(20):
            await reader.readexactly(LARGE // 20)
            await asyncio.sleep(SOON / 5)
        assert statuses(head) == [200]
        assert await reader.read() == b""
        writer.close()


async def test_whoever_waits_longest_makes_room() -> None:
    """Requests that are being answered do not, and when there are no others, the next gets 503."""
    async with serving(most=2) as site, asyncio.timeout(PATIENCE):
        slow = LAST.replace(b"hello", b"slow")
        asking = asyncio.create_task(site.send(slow))
        await site.asked.acquire()
        held, writer = await asyncio.open_connection("127.0.0.1", site.port)
        assert statuses(await site.send(LAST)) == [200]
        assert await held.read() == b""
        writer.close()
        another = asyncio.create_task(site.send(slow))
        await site.asked.acquire()
        assert statuses(await site.send(b"")) == [503]
        assert site.refused("full") == 2
        assert site.open() == 2
        site.answer.set()
        assert [statuses(await each) for each in (asking, another)] == [[200], [200]]
        assert statuses(await site.send(LAST)) == [200]


async def test_one_address_has_so_many_connections() -> None:
    """One more gets 429, until one of them ends."""
    async with serving(per_address=1) as site, asyncio.timeout(PATIENCE):
        _, held = await asyncio.open_connection("127.0.0.1", site.port)
        await site.until(lambda: site.open() == 1)
        assert statuses(await site.send(b"")) == [429]
        assert site.refused("address") == 1
        held.close()
        await site.until(lambda: not site.open())
        assert statuses(await site.send(LAST)) == [200]


class Guest:
    """A connection that notes whether it was sent away."""

    gone = False

    def make_room(self) -> None:
        self.gone = True


def test_a_room_forgets_whoever_left() -> None:
    """Once, however often that is noted; networks are counted as what they are."""
    metrics = Metrics(CollectorRegistry())
    room, guests = Room(metrics, most=3, per_address=2), [Guest() for _ in range(5)]
    assert room.enter(guests[0], "2001:db8::1") is None
    assert room.enter(guests[1], "2001:db8::2") is None
    assert room.enter(guests[2], "2001:db8::3") == ADDRESS
    room.leave(guests[2])
    room.leave(guests[0])
    room.leave(guests[0])
    assert room.enter(guests[2], "2001:db8::3") is None
    assert room.enter(guests[3], "192.0.2.1") is None
    room.end_waiting(guests[1])
    assert room.enter(guests[4], "192.0.2.1") is None
    assert [each.gone for each in guests] == [False, False, True, False, False]
    for each in guests:
        room.end_waiting(each)
    assert room.enter(Guest(), "192.0.2.2") == FULL
    room.leave(guests[3])
    room.begin_waiting(guests[3])
    assert room.enter(guests[3], "192.0.2.2") is None
