"""What a caller sees while Cassandra is away, and after."""

import asyncio
import time

import pytest
from prometheus_client import CollectorRegistry

from servers.server import Server
from services.errors import StoreUnavailable
from services.metrics.metrics import Metrics
from services.settings.settings import Settings
from services.storage.session import Store, connect
from services.storage.statements import Statement, insert

PING = Statement("local", "ping", "SELECT key FROM system.local")
LARGE = insert("kinds", "a", "b", "c", "bytes", operation="large")
SIZE = 100_000
FULL = 32
"""Rows of that size: some 3 MiB, more than a socket takes whose other end is not read."""
BACK_SECONDS = 200
"""A killed node first replays its commit log, which other tests have filled."""


async def until_it_answers(store: Store) -> list[tuple[str]]:
    """The driver finds the node again by itself."""
    deadline = time.monotonic() + BACK_SECONDS
    while True:
        try:
            return await store.read(PING)  # one text column
        except StoreUnavailable:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.2)


async def until_it_fails(store: Store) -> None:
    """A stopped process may still answer what it was at; raises what comes after that."""
    deadline = time.monotonic() + BACK_SECONDS
    while time.monotonic() < deadline:
        await store.read(PING)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("crash", [False, True], ids=["frozen", "killed"])
async def test_a_store_is_unavailable_while_its_server_is_and_comes_back_with_it(
    breakable_cassandra: Server, settings: Settings, crash: bool
) -> None:
    hasty = settings.model_copy(update={"store_timeout_seconds": 0.5})
    store = await connect(hasty, Metrics(CollectorRegistry()))
    await until_it_answers(store)
    (breakable_cassandra.kill if crash else breakable_cassandra.pause)()
    with pytest.raises(StoreUnavailable):
        await until_it_fails(store)
    if not crash:
        breakable_cassandra.resume()
    breakable_cassandra.start()
    assert await until_it_answers(store) == [("local",)]
    await store.close()


@pytest.mark.timeout(600)
async def test_what_a_full_socket_does_not_take_is_kept(
    breakable_cassandra: Server, settings: Settings
) -> None:
    """And waiting for room in it uses up none of the connection's request ids."""
    patient = settings.model_copy(update={"store_timeout_seconds": 60})
    store = await connect(patient, Metrics(CollectorRegistry()))
    rows = [LARGE.row(a=a, b=1, c=1, bytes=bytes(SIZE), version=1) for a in range(FULL)]
    await store.write(rows[:1])
    breakable_cassandra.pause()
    writing = asyncio.create_task(store.write(rows))
    deadline = time.monotonic() + BACK_SECONDS
    while store._dispatcher._limiter.inside < FULL:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    breakable_cassandra.resume()
    await writing
    (state,) = store._session.get_pool_state().values()
    assert state["in_flights"] == [0]
    await store.close()
