"""What the store makes of a network that fails: the faults that the outage proofs rely on."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import pytest

from servers.server import Reachable
from services.errors import StoreUnavailable
from services.metrics.metrics import Metrics
from services.settings.settings import Settings
from services.storage.packed import BatchLimits
from services.storage.session import CLOSE_SECONDS, Store, connect
from services.storage.statements import insert, select
from tests.faults.proxy import Proxy

HASTE = 0.5
KEYS = insert("kinds", "a", "b", "c", operation="proxied")
PARTITION = select("kinds", "proxied", "c", "WHERE a = ? AND b = ?")
SMALL = BatchLimits(rows=1, size=64, shared_size=64)
ROWS = 300
MANY = 40

_partitions = itertools.count(1_000_000)


@pytest.fixture
def proxy(cassandra: Reachable) -> Iterator[Proxy]:
    with Proxy(cassandra.port) as proxy:
        yield proxy


@pytest.fixture
async def far(settings: Settings, metrics: Metrics, proxy: Proxy) -> AsyncIterator[Store]:
    """Behind the proxy, in haste, a row a request."""
    behind = {"cassandra_port": proxy.port, "store_timeout_seconds": HASTE}
    far = await connect(settings.model_copy(update=behind), metrics, SMALL)
    while not {PARTITION, KEYS} <= far._prepared.keys():  # on a busy machine haste is not enough
        with suppress(StoreUnavailable):
            await asyncio.gather(*map(far._prepare, (PARTITION, KEYS)))
    yield far
    await far.close()


async def written(store: Store, a: int) -> list[int]:
    return [c for (c,) in await store.read(PARTITION, a, 1)]


async def test_the_driver_keeps_to_the_proxy(far: Store, proxy: Proxy) -> None:
    """It asks the node who it is, and is told an address that leads around the proxy."""
    assert {host.endpoint.port for host in far._session.cluster.metadata.all_hosts()} == {
        proxy.port
    }
    with proxy.silent(), pytest.raises(StoreUnavailable):
        await written(far, 0)


async def test_a_write_that_timed_out_may_be_applied(
    far: Store, store: Store, proxy: Proxy
) -> None:
    """Nobody but the store knows."""
    a = next(_partitions)
    with proxy.swallowing(), pytest.raises(StoreUnavailable):
        await far.write([KEYS.row(a=a, b=1, c=1, version=1)])
    assert await written(store, a) == [1]


async def test_a_write_may_be_applied_in_part(far: Store, store: Store, proxy: Proxy) -> None:
    """The connection broke in the middle."""
    a = next(_partitions)
    rows = [KEYS.row(a=a, b=1, c=c, version=1) for c in range(ROWS)]
    with proxy.breaking_after(lambda: 5_000), pytest.raises(StoreUnavailable):
        await far.write(rows)
    assert 0 < len(await written(store, a)) < ROWS


async def test_a_query_that_cannot_be_prepared_fails_for_all_at_once(
    settings: Settings, metrics: Metrics, proxy: Proxy
) -> None:
    """One timeout, not one each: a loop of many waiting batches would be taken for stuck."""
    behind = {"cassandra_port": proxy.port, "store_timeout_seconds": HASTE}
    far = await connect(settings.model_copy(update=behind), metrics)
    begun = time.monotonic()
    with proxy.silent():
        reads = [far.read(PARTITION, a, 1) for a in range(MANY)]
        errors = await asyncio.gather(*reads, return_exceptions=True)
    assert {type(each) for each in errors} == {StoreUnavailable}
    assert time.monotonic() - begun < HASTE * MANY / 2
    await far.close()


async def test_a_store_that_does_not_answer_is_left_in_time(
    settings: Settings, metrics: Metrics, proxy: Proxy
) -> None:
    """Nor is it a failure of whoever ends."""
    far = await connect(settings.model_copy(update={"cassandra_port": proxy.port}), metrics)
    with proxy.silent():
        begun = time.monotonic()
        await far.close()
        assert time.monotonic() - begun < CLOSE_SECONDS * 2
