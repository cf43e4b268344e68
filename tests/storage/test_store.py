"""The store against a real Cassandra."""

import asyncio
import itertools
from typing import Any

import numpy as np
import pytest
from cassandra import InvalidRequest
from cassandra.query import BatchStatement, BatchType

from services.errors import StoreUnavailable
from services.metrics.metrics import Metrics
from services.settings.settings import Settings
from services.storage.packed import BatchLimits
from services.storage.session import Store, connect
from services.storage.statements import UNSET, insert, select
from services.storage.wire import PackedProtocolHandler, packed_batch

KEYS = insert("kinds", "a", "b", "c", "yes", operation="keys")
FIXED = insert("kinds", "a", "b", "c", "small", "tiny", "yes", ttl=True, operation="fixed")
MIXED = insert("kinds", "a", "b", "c", "bytes", "words", "ids", operation="mixed")
PAGE = select("kinds", "page", "c, small, tiny, yes", "WHERE a = ? AND b = ? LIMIT 10000")

_partitions = itertools.count(1_000)  # other files write below


@pytest.fixture
def b() -> int:
    """A part of the key that no other test uses."""
    return next(_partitions)


def kinds(columns: str, rest: str) -> Any:
    return select("kinds", "test", columns, rest)


async def test_reads_what_was_written_by_column(store: Store, b: int) -> None:
    ids = np.arange(2_500, dtype=np.int64)
    await store.write_columns(
        FIXED,
        {"a": ids % 2, "b": b, "c": ids, "small": -3, "tiny": ids % 100, "yes": ids % 3 == 0}
        | {"ttl": 0, "version": 7},
    )
    page = await store.read_arrays(PAGE, 1, b)
    assert page["c"].tolist() == list(range(1, 2_500, 2))
    assert page["small"].dtype == np.int16
    assert set(page["small"].tolist()) == {-3}
    assert page["yes"].tolist() == [each % 3 == 0 for each in range(1, 2_500, 2)]


async def test_reads_what_was_written_by_row(store: Store, b: int) -> None:
    row = MIXED.row(a=1, b=b, c=2, bytes=b"\0x", words="höst", ids=[3, 4], version=5)
    await store.write([row, KEYS.row(a=1, b=b, c=2, yes=True, version=6)])
    (found,) = await store.read(
        kinds("bytes, words, ids, yes, writetime(words), writetime(yes)", "WHERE a=1 AND b=?"),
        b,
    )
    assert found == (b"\0x", "höst", [3, 4], True, 5, 6)


async def test_what_is_unset_stays_as_it_is(store: Store, b: int) -> None:
    row = MIXED.row(a=1, b=b, c=2, bytes=b"x", words="first", ids=[], version=5)
    await store.write([row])
    await store.write([MIXED.row(a=1, b=b, c=2, bytes=UNSET, words="then", ids=UNSET, version=6)])
    found = await store.read(kinds("bytes, words, ids", "WHERE a = 1 AND b = ?"), b)
    assert found == [(b"x", "then", [])]


async def test_the_packed_frame_is_the_drivers_frame(store: Store, b: int) -> None:
    """Header, rows and what follows them: the same bytes as for statements that it bound."""
    values = {"a": 1, "b": b, "c": 2, "bytes": b"\0x", "words": "höst", "ids": [3, 4], "version": 5}
    prepared = await store._prepare(MIXED)
    bound = BatchStatement(BatchType.UNLOGGED).add(prepared.query, values)
    ours = packed_batch([prepared.layout.row(values)], store._keyspace)
    frames = [
        PackedProtocolHandler.encode_message(
            store._session._create_response_future(each, None, False, None, 1.0).message,
            1,
            5,
            None,
            allow_beta_protocol_version=False,
        )
        for each in (bound, ours)
    ]
    assert frames[0] == frames[1]
    assert ours.routing_key == bound.routing_key


async def test_ttl_zero_is_for_ever_whatever_the_table_says(store: Store, b: int) -> None:
    columns = {"a": 1, "b": b, "c": [1, 2], "small": 0, "tiny": 0, "yes": False, "version": 1}
    await store.write_columns(FIXED, columns | {"ttl": [0, 500]})
    left = await store.read(kinds("c, ttl(yes)", "WHERE a = 1 AND b = ?"), b)
    assert left[0] == (1, None)
    assert 0 < left[1][1] <= 500


async def test_each_row_has_a_version_of_its_own(store: Store, b: int) -> None:
    """The higher version has the cell, whichever is written last, in one batch or another."""
    await store.write_columns(
        KEYS, {"a": 1, "b": b, "c": [1, 1, 2], "yes": [True, False, True], "version": [9, 8, 4]}
    )
    await store.write_columns(KEYS, {"a": 1, "b": b, "c": [2], "yes": [False], "version": [3]})
    found = await store.read(kinds("c, yes, writetime(yes)", "WHERE a = 1 AND b = ?"), b)
    assert found == [(1, True, 9), (2, True, 4)]


async def test_a_batch_over_many_partitions_is_written_whole(
    settings: Settings, metrics: Metrics, b: int
) -> None:
    store = await connect(settings, metrics, BatchLimits(rows=3, size=500, shared_size=900))
    parts = np.repeat(np.arange(40), 5)
    await store.write_columns(
        KEYS, {"a": parts, "b": b, "c": np.arange(200), "yes": True, "version": 1}
    )
    counts = [await store.read_arrays(PAGE_KEYS, part, b) for part in range(40)]
    await store.close()
    assert [page["c"].tolist() for page in counts] == [
        list(range(5 * part, 5 * part + 5)) for part in range(40)
    ]


PAGE_KEYS = select("kinds", "keys", "c", "WHERE a = ? AND b = ? LIMIT 10000")


async def test_nulls_cannot_be_read_as_an_array(store: Store, b: int) -> None:
    """They would come out as some number."""
    await store.write([KEYS.row(a=1, b=b, c=2, yes=True, version=6)])
    with pytest.raises(ValueError, match="null"):
        await store.read_arrays(PAGE, 1, b)


async def test_an_empty_result_has_its_columns(store: Store, b: int) -> None:
    assert (await store.read(PAGE, 1, b)) == []
    page = await store.read_arrays(PAGE, 1, b)
    assert {name: len(values) for name, values in page.items()} == {
        "c": 0,
        "small": 0,
        "tiny": 0,
        "yes": 0,
    }


async def test_nothing_to_write_is_nothing_done(store: Store, b: int) -> None:
    await store.write([])
    await store.write_columns(
        KEYS, {"a": 1, "b": b, "c": np.array([], np.int64), "yes": True, "version": 1}
    )
    assert await store.read(PAGE_KEYS, 1, b) == []


async def test_a_statement_that_can_never_work_is_a_bug_and_not_an_outage(store: Store) -> None:
    """An outage is tried again for ever."""
    with pytest.raises(InvalidRequest, match="nowhere"):
        await store.read(select("nowhere", "test", "c", "LIMIT 1"))


async def test_a_changed_table_does_not_disturb_prepared_statements(
    store: Store, settings: Settings, b: int
) -> None:
    """Cassandra forgets them; the driver prepares them again, also inside a packed batch."""
    columns = {"a": 1, "b": b, "yes": True, "version": 1}
    await store.write_columns(KEYS, columns | {"c": [1]})
    await asyncio.to_thread(
        store._session.execute, f"ALTER TABLE {store._keyspace}.kinds WITH comment = ''"
    )
    await store.write_columns(KEYS, columns | {"c": [2]})
    assert (await store.read_arrays(PAGE_KEYS, 1, b))["c"].tolist() == [1, 2]


async def test_every_request_is_measured(store: Store, metrics: Metrics, b: int) -> None:
    await store.write([KEYS.row(a=1, b=b, c=2, yes=True, version=6)])
    await store.read(PAGE_KEYS, 1, b)
    for labels in ({"operation": "keys"}, {"operation": "keys"}):
        name = "timeline_store_request_seconds_count"
        assert metrics.registry.get_sample_value(name, {"table": "kinds"} | labels) == 2
    assert metrics.registry.get_sample_value("timeline_store_inflight") == 0


async def test_a_keyspace_that_is_not_there_says_so(settings: Settings, metrics: Metrics) -> None:
    absent = settings.model_copy(update={"cassandra_keyspace": "absent"})
    with pytest.raises(StoreUnavailable, match=r"absent.*mingle migrate"):
        await connect(absent, metrics)


async def test_a_server_that_is_not_there_says_so(settings: Settings, metrics: Metrics) -> None:
    nobody = settings.model_copy(update={"cassandra_port": 1})
    with pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1:1"):
        await connect(nobody, metrics)
