"""The driver's connections in our event loop, against a server that answers as it is told."""

import asyncio
import threading
from contextlib import suppress

from services.errors import StoreUnavailable
from services.metrics.metrics import Metrics
from services.settings.settings import Settings
from services.storage.connection import LoopConnection, create_connection_class
from services.storage.session import Store, connect
from services.storage.statements import insert, select

ROW = insert("kinds", "a", "b", "c", "yes", operation="keys")
PAGE = select("kinds", "page", "c", "WHERE a = ? AND b = ? LIMIT 10000")


async def test_answers_come_in_the_loops_own_thread(store: Store) -> None:
    """No thread of the driver is woken for a request, nor wakes the loop with its answer."""
    told: list[int] = []
    answered = store._session.execute_async("SELECT key FROM system.local", timeout=None)
    arrived = asyncio.Event()

    def keep(_: object) -> None:
        told.append(threading.get_ident())
        arrived.set()

    answered.add_callbacks(keep, keep)
    async with asyncio.timeout(30):
        await arrived.wait()
    assert told == [threading.get_ident()]
    assert not [each for each in threading.enumerate() if "libev" in each.name]


async def test_many_requests_at_once_all_get_their_own_answers(store: Store) -> None:
    """Answers that come together, and such as take several reads, are told apart."""
    sizes = {1_000 + number: number % 7 * 100 for number in range(300)}

    async def write(b: int) -> None:
        rows = [ROW.row(a=77, b=b, c=c, yes=True, version=1) for c in range(sizes[b])]
        await store.write(rows)

    await asyncio.gather(*map(write, sizes))
    pages = await asyncio.gather(*(store.read(PAGE, 77, b) for b in sizes))
    assert [len(each) for each in pages] == list(sizes.values())


async def test_timers_call_in_the_loop_and_not_once_they_are_cancelled() -> None:
    """From whichever thread they are made or cancelled."""
    connection = create_connection_class()
    called: list[str] = []
    done = asyncio.Event()

    def make() -> None:
        cancelled = connection.create_timer(0.001, lambda: called.append("cancelled"))
        cancelled.cancel()
        connection.create_timer(0.002, lambda: called.append(threading.current_thread().name))
        connection.create_timer(0.003, done.set)

    make()
    async with asyncio.timeout(30):
        await done.wait()
    done.clear()
    await asyncio.to_thread(make)
    async with asyncio.timeout(30):
        await done.wait()
    assert called == [threading.current_thread().name] * 2


async def test_a_connection_that_ends_fails_what_waits_and_another_takes_its_place(
    store: Store,
) -> None:
    """By an error, as when a node is killed, and by an end, as when one stops."""
    for end in (_reset, _finish):
        pool = next(iter(store._session._pools.values()))
        connection = pool._connection
        assert isinstance(connection, LoopConnection)
        waiting = asyncio.gather(
            *(store.read(PAGE, 78, b) for b in range(50)), return_exceptions=True
        )
        await asyncio.sleep(0)
        end(connection)
        async with asyncio.timeout(30):
            for each in await waiting:
                assert each == [] or isinstance(each, StoreUnavailable)
            await _read_again(store)
        assert connection.is_closed
        assert next(iter(store._session._pools.values()))._connection is not connection


async def test_what_the_driver_still_does_when_the_loop_has_ended_is_no_error() -> None:
    """Its threads may outlive a store that was closed while a node did not answer."""
    connection = await asyncio.to_thread(asyncio.run, _class_in_loop())
    called: list[str] = []
    timer = connection.create_timer(0.0, lambda: called.append("timer"))
    timer.cancel()
    connection.soon(called.append, "soon")
    assert not called


async def test_a_closed_store_has_no_connection_left(settings: Settings, metrics: Metrics) -> None:
    """Also one that the driver does not close in its time."""
    ours = await connect(settings, metrics)
    opened = list(ours._connections.open)
    assert len(opened) >= 2  # one to ask about the cluster, one for requests
    ours._session.cluster.shutdown = lambda: None
    await ours.close()
    assert all(each.is_closed for each in opened)
    assert not ours._connections.open


async def test_stores_of_one_process_may_be_in_different_loops(
    store: Store, settings: Settings, metrics: Metrics
) -> None:
    """Each is answered in its own."""

    async def elsewhere() -> list[tuple[object, ...]]:
        other = await connect(settings, metrics)
        try:
            return await other.read(PAGE, 79, 1)
        finally:
            await other.close()

    assert await asyncio.to_thread(asyncio.run, elsewhere()) == []
    assert await store.read(PAGE, 79, 1) == []


async def _class_in_loop() -> type[LoopConnection]:
    return create_connection_class()


async def _read_again(store: Store) -> None:
    while True:
        with suppress(StoreUnavailable):
            await store.read(PAGE, 78, 1)
            return
        await asyncio.sleep(0.01)


def _reset(connection: LoopConnection) -> None:
    connection.lost(ConnectionResetError("by the peer"))


def _finish(connection: LoopConnection) -> None:
    connection._transport.write_eof()
