"""The bridge between a driver that answers in a thread of its own and the event loop."""

import asyncio
import gc
import threading
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from cassandra import InvalidRequest, OperationTimedOut, Unauthorized, Unavailable, WriteTimeout
from cassandra.cluster import NoHostAvailable
from cassandra.connection import ConnectionShutdown
from cassandra.protocol import OverloadedErrorMessage, SyntaxException
from prometheus_client import CollectorRegistry

from services.errors import StoreUnavailable
from services.metrics.metrics import Metrics
from services.storage.dispatcher import RequestDispatcher, translate_error
from services.storage.limiter import InFlightLimiter
from services.storage.statements import Statement

LOST = 0.2
READ = Statement("kinds", "read", "SELECT ...")


class FakeConnection:
    """Fails what it holds when it is dropped."""

    def __init__(self) -> None:
        self.held: list[FakeResponse] = []
        self.dropped = asyncio.Event()

    def defunct(self, error: BaseException) -> None:
        self.dropped.set()
        for response in self.held:
            response.fail(ConnectionShutdown(str(error)))
        self.held.clear()


class Query:
    """What a request is made of."""


class FakeResponse:
    """What `Session.execute_async` returns."""

    def __init__(self, query: Any, connection: FakeConnection) -> None:
        self.query = query
        self._connection = connection
        connection.held.append(self)

    def turn_to(self, connection: FakeConnection) -> None:
        """As the driver does when a node has failed and there is another."""
        self._connection.held.remove(self)
        self._connection = connection
        connection.held.append(self)

    def add_callbacks(
        self, callback: Callable[[Any], None], errback: Callable[[BaseException], None]
    ) -> None:
        self.succeed, self.fail = callback, errback


class FakeDriver:
    """Answers when told to, from another thread."""

    def __init__(self) -> None:
        self.responses: list[FakeResponse] = []
        self.connection = FakeConnection()

    def execute(self, query: Any, timeout: float | None) -> FakeResponse:
        self.responses.append(FakeResponse(query, self.connection))
        return self.responses[-1]

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
def gate() -> InFlightLimiter:
    return InFlightLimiter(requests=100, size=1_000)


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
async def bridge(
    driver: FakeDriver, gate: InFlightLimiter, registry: CollectorRegistry
) -> RequestDispatcher:
    return RequestDispatcher(driver.execute, gate, Metrics(registry), timeout=10)


async def test_many_answers_wake_the_loop_once(
    bridge: RequestDispatcher, driver: FakeDriver, monkeypatch: pytest.MonkeyPatch
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


async def test_an_error_of_the_driver_becomes_ours(
    bridge: RequestDispatcher, driver: FakeDriver
) -> None:
    future = await bridge.send(READ, "query", 1)
    driver.in_thread(lambda: driver.responses[0].fail(OperationTimedOut()))
    with pytest.raises(StoreUnavailable, match="kinds read: OperationTimedOut"):
        await future


async def test_an_error_while_sending_is_the_answer(
    gate: InFlightLimiter, registry: CollectorRegistry
) -> None:
    def refuse(_query: Any, timeout: float | None) -> Any:
        raise ConnectionShutdown("the pool is shut")

    bridge = RequestDispatcher(refuse, gate, Metrics(registry), timeout=10)
    future = await bridge.send(READ, "query", 1)
    with pytest.raises(StoreUnavailable, match="the pool is shut"):
        await future
    assert gate.inside == 0


async def test_what_timed_out_keeps_its_place_until_the_driver_lets_go_of_it(
    driver: FakeDriver, gate: InFlightLimiter, registry: CollectorRegistry
) -> None:
    """Its bytes are in memory still: else each try would add its own to those before."""
    bridge = RequestDispatcher(driver.execute, gate, Metrics(registry), timeout=0.0)
    future = await bridge.send(READ, "query", 1)
    with pytest.raises(StoreUnavailable, match="no answer in 0 s"):
        await future
    assert gate.inside == 1
    driver.in_thread(driver.answer_all)
    await asyncio.sleep(0)
    assert gate.inside == 0


async def test_who_finds_no_room_in_time_is_told_so(
    driver: FakeDriver, registry: CollectorRegistry
) -> None:
    """It would wait for as long as the store is away, and its batch would be taken for stuck."""
    bridge = RequestDispatcher(
        driver.execute, InFlightLimiter(1, 1_000), Metrics(registry), timeout=0.01
    )
    (await bridge.send(READ, "query", 1)).cancel()
    with pytest.raises(StoreUnavailable, match="no room"):
        await bridge.send(READ, "query", 1)
    driver.in_thread(driver.answer_all)
    await asyncio.sleep(0)
    await bridge.send(READ, "query", 1)


async def test_who_finds_no_room_leaves_nothing_to_the_garbage_collector(
    driver: FakeDriver, registry: CollectorRegistry
) -> None:
    """Nor its error, which refers to whoever waited."""
    bridge = RequestDispatcher(
        driver.execute, InFlightLimiter(1, 1_000), Metrics(registry), timeout=0.01
    )
    (await bridge.send(READ, "query", 1)).cancel()
    query = Query()
    alive = weakref.ref(query)
    gc.disable()
    try:
        with pytest.raises(StoreUnavailable) as raised:
            await bridge.send(READ, query, 1)
        del query, raised
        assert alive() is None
    finally:
        gc.enable()


async def test_a_connection_that_owes_an_answer_for_too_long_is_dropped(
    driver: FakeDriver, gate: InFlightLimiter, registry: CollectorRegistry
) -> None:
    """Nothing else would ever give back the places of its requests."""
    bridge = RequestDispatcher(driver.execute, gate, Metrics(registry), timeout=0.0, lost=0.0)
    futures = [await bridge.send(READ, "query", 1) for _ in range(3)]
    given_up = await asyncio.gather(*futures, return_exceptions=True)
    assert [type(each) for each in given_up] == [StoreUnavailable] * 3
    async with asyncio.timeout(30):
        await driver.connection.dropped.wait()
    await asyncio.sleep(0)
    assert gate.inside == 0


async def test_a_connection_that_was_turned_to_meanwhile_is_not_dropped(
    driver: FakeDriver, gate: InFlightLimiter, registry: CollectorRegistry
) -> None:
    """It owes its answer for a moment only."""
    bridge = RequestDispatcher(driver.execute, gate, Metrics(registry), timeout=0.0, lost=LOST)
    future = await bridge.send(READ, "query", 1)
    await asyncio.gather(future, return_exceptions=True)
    first, second = driver.connection, FakeConnection()
    driver.responses[0].turn_to(second)
    loop = asyncio.get_running_loop()
    turned = loop.time()
    async with asyncio.timeout(30):
        await second.dropped.wait()
    assert not first.dropped.is_set()
    assert loop.time() - turned > 1.5 * LOST


@pytest.mark.parametrize("lost", [0.0, 60.0], ids=["dropped", "answered late"])
async def test_what_timed_out_leaves_nothing_to_the_garbage_collector(
    driver: FakeDriver, gate: InFlightLimiter, registry: CollectorRegistry, lost: float
) -> None:
    """That counts objects, not bytes: megabytes in a few of them would wait for it for minutes."""
    bridge = RequestDispatcher(driver.execute, gate, Metrics(registry), timeout=0.0, lost=lost)
    query = Query()
    alive = weakref.ref(query)
    gc.disable()
    try:
        future = await bridge.send(READ, query, 1)
        del query
        await asyncio.gather(future, return_exceptions=True)
        if lost:
            driver.in_thread(driver.answer_all)
            driver.connection.held.clear()
        else:
            await driver.connection.dropped.wait()
        driver.responses.clear()
        await asyncio.sleep(0)
        assert alive() is None
    finally:
        gc.enable()


async def test_what_timed_out_does_not_hold_on_to_who_waited(
    driver: FakeDriver, gate: InFlightLimiter, registry: CollectorRegistry
) -> None:
    """The driver keeps a request for long, but nothing of the batch that it came from."""
    bridge = RequestDispatcher(driver.execute, gate, Metrics(registry), timeout=0.0)
    alive: list[weakref.ref[Query]] = []

    async def handle() -> None:
        batch = Query()
        alive.append(weakref.ref(batch))
        await (await bridge.send(READ, "query", 1))

    with pytest.raises(StoreUnavailable) as raised:
        await handle()
    del raised
    await asyncio.sleep(0)  # the loop has just handed over the error
    assert gate.inside == 1
    assert alive[0]() is None


async def test_a_cancelled_request_keeps_its_place_until_it_is_answered(
    bridge: RequestDispatcher, driver: FakeDriver, gate: InFlightLimiter
) -> None:
    """The server works on it still."""
    future = await bridge.send(READ, "query", 1)
    future.cancel()
    assert gate.inside == 1
    driver.in_thread(driver.answer_all)
    await asyncio.sleep(0)
    assert gate.inside == 0


async def test_requests_in_flight_are_counted(
    bridge: RequestDispatcher, driver: FakeDriver, registry: CollectorRegistry
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
    assert isinstance(translate_error(error, "kinds read"), StoreUnavailable)


@pytest.mark.parametrize(
    "error",
    [InvalidRequest("no"), SyntaxException(0x2000, "no", None), ValueError(), AssertionError()],
    ids=lambda error: type(error).__name__,
)
def test_what_can_never_be_is_a_bug(error: Exception) -> None:
    assert translate_error(error, "kinds read") is error
