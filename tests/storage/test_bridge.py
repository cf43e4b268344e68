"""The bridge between a driver that answers in a thread of its own and the event loop."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from cassandra import InvalidRequest, OperationTimedOut, Unauthorized, Unavailable, WriteTimeout
from cassandra.cluster import NoHostAvailable
from cassandra.connection import ConnectionBusy, ConnectionShutdown
from cassandra.protocol import OverloadedErrorMessage, SyntaxException
from prometheus_client import CollectorRegistry

from services.errors import StoreUnavailable
from services.metrics import Metrics
from services.storage.bridge import Bridge, translated
from services.storage.gate import Gate
from services.storage.statements import Statement

READ = Statement("kinds", "read", "SELECT ...")


class FakeResponse:
    """What `Session.execute_async` returns."""

    def add_callbacks(
        self, callback: Callable[[Any], None], errback: Callable[[BaseException], None]
    ) -> None:
        self.succeed, self.fail = callback, errback


class FakeDriver:
    """Answers when told to, from another thread."""

    def __init__(self) -> None:
        self.responses: list[FakeResponse] = []
        self._more = asyncio.Event()

    def execute(self, query: Any, timeout: float | None) -> FakeResponse:
        self.responses.append(FakeResponse())
        self._more.set()
        return self.responses[-1]

    async def executed(self, count: int) -> None:
        while len(self.responses) < count:
            self._more.clear()
            await self._more.wait()

    def in_thread(self, answer: Callable[[], None]) -> None:
        thread = threading.Thread(target=answer)
        thread.start()
        thread.join()

    def answer_all(self) -> None:
        for response in self.responses:
            response.succeed("rows")


@pytest.fixture
def driver() -> FakeDriver:
    return FakeDriver()


@pytest.fixture
def gate() -> Gate:
    return Gate(requests=100, size=1_000)


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
async def bridge(driver: FakeDriver, gate: Gate, registry: CollectorRegistry) -> Bridge:
    return Bridge(driver.execute, gate, Metrics(registry), timeout=10)


async def test_many_answers_wake_the_loop_once(
    bridge: Bridge, driver: FakeDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    wakes: list[Callable[..., None]] = []
    futures = [await bridge.send(READ, "query", 1) for _ in range(50)]
    with monkeypatch.context() as patched:
        patched.setattr(loop, "call_soon_threadsafe", wakes.append)
        driver.in_thread(driver.answer_all)
    (wake,) = wakes
    wake()
    assert [future.result() for future in futures] == ["rows"] * 50


async def test_an_error_of_the_driver_becomes_ours(bridge: Bridge, driver: FakeDriver) -> None:
    future = await bridge.send(READ, "query", 1)
    driver.in_thread(lambda: driver.responses[0].fail(OperationTimedOut()))
    with pytest.raises(StoreUnavailable, match="kinds read: OperationTimedOut"):
        await future


async def test_an_error_while_sending_is_the_answer(
    gate: Gate, registry: CollectorRegistry
) -> None:
    def refuse(_query: Any, timeout: float | None) -> Any:
        raise ConnectionShutdown("the pool is shut")

    bridge = Bridge(refuse, gate, Metrics(registry), timeout=10)
    future = await bridge.send(READ, "query", 1)
    with pytest.raises(StoreUnavailable, match="the pool is shut"):
        await future
    assert gate.inside == 0


async def test_what_a_full_socket_refused_is_offered_again(
    bridge: Bridge, driver: FakeDriver, gate: Gate
) -> None:
    """The driver refuses at once while its buffer is full: no reason to fail a write."""
    future = await bridge.send(READ, "query", 1)
    busy = NoHostAvailable("nobody", {"node": ConnectionBusy("overloaded")})
    driver.in_thread(lambda: driver.responses[0].fail(busy))
    async with asyncio.timeout(5):
        await driver.executed(2)
    assert gate.inside == 1
    driver.in_thread(lambda: driver.responses[1].succeed("rows"))
    assert await future == "rows"


async def test_what_the_driver_never_answers_is_given_up(
    driver: FakeDriver, gate: Gate, registry: CollectorRegistry
) -> None:
    """Its place is free again, and an answer that comes later disturbs nothing."""
    bridge = Bridge(driver.execute, gate, Metrics(registry), timeout=0.0)
    future = await bridge.send(READ, "query", 1)
    with pytest.raises(StoreUnavailable, match="none in 0 s"):
        await future
    driver.in_thread(driver.answer_all)
    await asyncio.sleep(0)
    assert gate.inside == 0


async def test_a_cancelled_request_keeps_its_place_until_it_is_answered(
    bridge: Bridge, driver: FakeDriver, gate: Gate
) -> None:
    """The server works on it still."""
    future = await bridge.send(READ, "query", 1)
    future.cancel()
    assert gate.inside == 1
    driver.in_thread(driver.answer_all)
    await asyncio.sleep(0)
    assert gate.inside == 0


async def test_requests_in_flight_are_counted(
    bridge: Bridge, driver: FakeDriver, registry: CollectorRegistry
) -> None:
    futures = [await bridge.send(READ, "query", 1) for _ in range(3)]
    assert registry.get_sample_value("timeline_store_inflight") == 3
    driver.in_thread(driver.answer_all)
    await asyncio.gather(*futures)
    assert registry.get_sample_value("timeline_store_inflight") == 0
    labels = {"table": "kinds", "operation": "read"}
    assert registry.get_sample_value("timeline_store_request_seconds_count", labels) == 3


@pytest.mark.parametrize(
    "error",
    [
        OperationTimedOut(),
        NoHostAvailable("nobody", {}),
        Unavailable("too few"),
        WriteTimeout("slow", write_type=0),
        OverloadedErrorMessage(0x1001, "overloaded", None),
        ConnectionShutdown("gone"),
        Unauthorized("not yet"),
        TimeoutError(),
        ConnectionResetError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_may_pass_is_an_outage(error: Exception) -> None:
    assert isinstance(translated(error, "kinds read"), StoreUnavailable)


@pytest.mark.parametrize(
    "error",
    [InvalidRequest("no"), SyntaxException(0x2000, "no", None), ValueError(), AssertionError()],
    ids=lambda error: type(error).__name__,
)
def test_what_can_never_be_is_a_bug(error: Exception) -> None:
    assert translated(error, "kinds read") is error
