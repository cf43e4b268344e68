"""How streams end, their limits, and heartbeats."""

import asyncio
import socket
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry

from services.api.app import build_api
from services.api.stream import stream
from services.api.stream.streams import MAX_CONCURRENT_POLLS
from services.errors import StoreUnavailable
from services.metrics.metrics import Metrics
from services.settings.settings import Settings
from services.storage.generation_tables import FIRST
from streams.process.room import Room
from streams.process.serving import Address, serve_app
from tests.api.issuer import SECRET, bearer
from tests.api.streaming import WAIT_SECONDS, Connection, Holder, streaming
from tests.api.village import ALICE, BOB, NOW, Village, api_on, client_of, memory

FAST = {"stream_probe_seconds": 0.005, "stream_look_seconds": 0.01}
STREAM = "/v1/users/1/home/stream"


def ended(metrics: Metrics) -> dict[str, float]:
    return counted(metrics, "timeline_api_streams_ended_total", "reason")


def looks(metrics: Metrics) -> dict[str, float]:
    return counted(metrics, "timeline_api_stream_looks_total", "outcome")


def counted(metrics: Metrics, name: str, label: str) -> dict[str, float]:
    samples = [each for family in metrics.registry.collect() for each in family.samples]
    return {each.labels[label]: each.value for each in samples if each.name == name}


def value(metrics: Metrics, name: str) -> float | None:
    return metrics.registry.get_sample_value(name)


async def cut_off(metrics: Metrics) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while not ended(metrics):  # noqa: ASYNC110 - a metric sets no event
            await asyncio.sleep(0.001)


async def end(connection: Connection) -> Any:
    await connection.until(lambda: connection.ended)
    return connection.last


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(CollectorRegistry())


async def test_a_stream_on_which_nothing_happens_says_so(metrics: Metrics) -> None:
    """It repeats heartbeats without a store request each."""
    app = api_on(memory(), metrics, stream_heartbeat_seconds=0.005, stream_look_seconds=3_600)
    async with streaming(app) as connection:
        await connection.until(lambda: len(connection.events) > 5)
        assert connection.names() == ["change"]
        assert value(metrics, "timeline_api_streams_open") == 1
    assert looks(metrics) == {}
    assert ended(metrics) == {"left": 1}
    assert value(metrics, "timeline_api_streams_open") == 0


async def test_readers_come_back_at_different_times(metrics: Metrics) -> None:
    """Otherwise all clients of a stopped process would reconnect at once."""
    waits = set()
    for _ in range(20):
        async with streaming(api_on(memory())) as connection:
            await connection.expect("change")
        waits.add(int(connection.body.split("\n")[0].removeprefix("retry: ")))
    assert len(waits) > 1
    assert min(waits) >= 2_000
    assert max(waits) <= 4_000


async def test_a_post_is_sent_before_the_next_poll(village: Village, metrics: Metrics) -> None:
    """One probe serves all streams."""
    await village.follows(ALICE, BOB)
    app = api_on(village.stores, metrics, stream_probe_seconds=0.005, stream_look_seconds=3_600)
    async with streaming(app) as alice, streaming(app) as again, streaming(app, user=BOB) as bob:
        for each in (alice, again, bob):
            await each.expect("change")
        await village.post(BOB, minutes_ago=0)
        for each in (alice, again, bob):
            await each.expect("change", "entry")
    assert looks(metrics) == {"different": 3}
    events = counted(metrics, "timeline_api_stream_events_total", "event")
    assert events == {"change": 3, "entry": 3}


async def test_a_client_that_accepts_nothing_is_disconnected(
    village: Village, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They get the reason if they still read, and on return the missed changes."""
    monkeypatch.setattr(stream, "FAREWELL_SECONDS", WAIT_SECONDS)
    app = api_on(village.stores, metrics, **FAST, stream_patience_seconds=0.05)
    async with streaming(app) as connection:
        await connection.expect("change")
        connection.taking.clear()
        missed = await village.post(ALICE)
        await cut_off(metrics)
        connection.taking.set()
        assert await end(connection) == {"reason": "slow"}
        assert connection.names() == ["change", "end"]
    async with streaming(app, connection.holder) as connection:
        await connection.expect("entry")
        assert connection.last["post_id"] == str(missed)
    assert ended(metrics) == {"slow": 1, "left": 1}


async def test_a_client_that_never_reads_again_holds_no_stream(metrics: Metrics) -> None:
    """Not even the unsent last event keeps the stream open."""
    app = api_on(memory(), metrics, **FAST, stream_patience_seconds=0.01)
    async with streaming(app) as connection:
        await connection.expect("change")
        connection.taking.clear()
        await connection.until(lambda: connection.ended)
        assert value(metrics, "timeline_api_streams_open") == 0
        assert connection.names() == ["change"]


async def test_a_stream_ends_with_its_token(village: Village, metrics: Metrics) -> None:
    """No event follows; with a new token the reader continues."""
    now = NOW
    settings = Settings(**FAST, auth_secret=SECRET, auth_leeway_seconds=0)
    app = build_api(village.stores, settings, metrics, lambda: now)
    holder = Holder()
    async with streaming(app, holder, headers=bearer(ALICE, exp=NOW // 1_000 + 1)) as connection:
        await connection.expect("change")
        now += 1_000
        await village.post(ALICE)
        assert await end(connection) == {"reason": "token"}
        assert connection.names() == ["change", "end"]
    async with streaming(app, holder, headers=bearer(ALICE)) as connection:
        await connection.expect("entry")
    assert ended(metrics) == {"token": 1, "left": 1}


async def test_streams_are_guarded_as_pages_are(village: Village) -> None:
    """Reading another user's home takes the scope for it."""
    app = api_on(village.stores, auth_secret=SECRET)
    for user, headers, status in ((ALICE, {}, 401), (BOB, bearer(ALICE), 403)):
        async with client_of(app) as client:
            answer = await client.get(f"/v1/users/{user}/home/stream", headers=headers)
        assert answer.status_code == status
    async with streaming(app, user=BOB, headers=bearer(ALICE, ["act-as"])) as connection:
        await connection.expect("change")


async def test_a_stream_ends_at_the_end_of_its_lifetime(metrics: Metrics) -> None:
    """It lets streams spread over new processes."""
    app = api_on(memory(), metrics, stream_lifetime_seconds=0.01)
    async with streaming(app) as connection:
        assert await end(connection) == {"reason": "lifetime"}
    assert ended(metrics) == {"lifetime": 1}


async def test_no_more_streams_than_set(village: Village) -> None:
    """A further client is asked to retry later; one that leaves makes room."""
    app = api_on(village.stores, stream_limit=1)
    async with streaming(app) as connection, client_of(app) as client:
        await connection.expect("change")
        answer = await client.get(STREAM)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
        assert answer.headers["content-type"] == "application/problem+json"
    async with streaming(app) as connection:
        await connection.expect("change")


class Away:
    """Home timelines whose store is unavailable for a while."""

    def __init__(self, timelines: Any) -> None:
        self.away = False
        self._timelines = timelines

    def __getattr__(self, name: str) -> Any:
        if self.away:
            raise StoreUnavailable("away")
        return getattr(self._timelines, name)


async def test_streams_outlast_a_store_that_is_away(village: Village, metrics: Metrics) -> None:
    """They send heartbeats, then all changes since; new streams get a 503."""
    timelines = Away(village.stores.home_timelines)
    app = api_on(village.stores._replace(home_timelines=timelines), metrics, **FAST)
    async with streaming(app) as connection:
        await connection.expect("change")
        timelines.away = True
        await connection.until(lambda: looks(metrics).get("failed", 0) > 1)
        async with client_of(app) as client:
            assert (await client.get(STREAM)).status_code == 503
        await village.post(ALICE)
        timelines.away = False
        await connection.expect("change", "entry")


class Slow:
    """Home timelines that answer only when released."""

    generation = FIRST

    def __init__(self, timelines: Any) -> None:
        self.answering = asyncio.Event()
        self.answering.set()
        self.asked = 0
        self._timelines = timelines

    async def pin(self) -> "Slow":
        return self

    async def home_page(self, *asked: Any) -> Any:
        self.asked += 1
        await self.answering.wait()
        return await (await self._timelines.pin()).home_page(*asked)

    async def arrivals(self, *asked: Any) -> Any:
        return await (await self._timelines.pin()).arrivals(*asked)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._timelines, name)


async def test_heartbeats_continue_while_polls_wait(village: Village, metrics: Metrics) -> None:
    """Heartbeats continue however long polls wait; concurrent polls are limited."""
    timelines = Slow(village.stores.home_timelines)
    stores = village.stores._replace(home_timelines=timelines)
    many = {"stream_heartbeat_seconds": 0.02, "stream_limit_per_viewer": 100}
    app = api_on(stores, metrics, **FAST, **many)
    async with AsyncExitStack() as stack:
        everybody = [
            await stack.enter_async_context(streaming(app)) for _ in range(MAX_CONCURRENT_POLLS + 3)
        ]
        for each in everybody:
            await each.expect("change")
        timelines.answering.clear()
        before, answered = looks(metrics), timelines.asked
        for each in everybody:
            beats = len(each.events)
            await each.until(lambda each=each, beats=beats: len(each.events) > beats + 5)
        begun = timelines.asked
        assert begun == answered + MAX_CONCURRENT_POLLS
        await village.post(ALICE)
        for each in everybody:
            beats = len(each.events)
            await each.until(lambda each=each, beats=beats: len(each.events) > beats + 5)
        assert timelines.asked == begun
        assert looks(metrics).get("failed", 0) == before.get("failed", 0) == 0
        timelines.answering.set()
        for each in everybody:
            await each.expect("change", "entry")


async def test_streams_end_when_the_process_does(village: Village, metrics: Metrics) -> None:
    """They end at once, with the reason, over real connections; no new one begins."""
    app = api_on(village.stores, metrics)
    async with httpx.AsyncClient(timeout=WAIT_SECONDS) as client:
        bodies = []
        started = asyncio.Semaphore(0)

        async def read(address: Address) -> None:
            async with client.stream("GET", f"{address}{STREAM}") as answer:
                body = ""
                async for text in answer.aiter_text():
                    body += text
                    started.release()
                bodies.append(body)

        async with serve_app(app, "127.0.0.1", 0, Room(metrics)) as address:
            reading = [asyncio.create_task(read(address)) for _ in range(3)]
            async with asyncio.timeout(WAIT_SECONDS):
                while value(metrics, "timeline_api_streams_open") != 3:
                    await started.acquire()
        await asyncio.gather(*reading)
    assert all('data: {"reason":"stopping"}' in body for body in bodies)
    assert ended(metrics) == {"stopping": 3}


async def test_a_connection_that_accepts_nothing_is_closed(
    village: Village, metrics: Metrics
) -> None:
    """A page of three megabytes fills the buffers of kernel and server."""
    for minute in range(100):
        await village.post(ALICE, minutes_ago=minute + 1, text="\N{SNOWMAN}" * 10_000)
    fast = {"stream_patience_seconds": 0.1, "stream_heartbeat_seconds": 0.01}
    app = api_on(village.stores, metrics, **fast)
    async with serve_app(app, "127.0.0.1", 0, Room(metrics)) as address:
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            deaf.connect((address.host, address.port))
            deaf.sendall(f"GET {STREAM}?limit=100 HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            await cut_off(metrics)
    assert ended(metrics) == {"slow": 1}
