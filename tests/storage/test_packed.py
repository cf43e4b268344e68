"""Packed rows: their bytes, how they are brought together by partition, and where they are cut."""

import io
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from cassandra import cqltypes
from cassandra.protocol import BatchMessage
from cassandra.query import BatchType
from hypothesis import given
from hypothesis import strategies as st

from services.storage.packed import (
    BatchLimits,
    BoundColumn,
    Layout,
    PackedRun,
    fill_batches,
    group_by_replicas,
    routing_key,
)

QUERY_ID = bytes(range(16))
TYPES = {
    "bigint": cqltypes.LongType,
    "int": cqltypes.Int32Type,
    "smallint": cqltypes.ShortType,
    "tinyint": cqltypes.ByteType,
    "boolean": cqltypes.BooleanType,
    "blob": cqltypes.BytesType,
    "varchar": cqltypes.UTF8Type,
    "list<bigint>": cqltypes.ListType.apply_parameters([cqltypes.LongType]),
    "frozen<list<bigint>>": cqltypes.FrozenType.apply_parameters(
        [cqltypes.ListType.apply_parameters([cqltypes.LongType])]
    ),
}


def whole(bits: int) -> st.SearchStrategy[int]:
    return st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


VALUES: Mapping[str, st.SearchStrategy[Any]] = {
    "bigint": whole(64),
    "int": whole(32),
    "smallint": whole(16),
    "tinyint": whole(8),
    "boolean": st.booleans(),
    "blob": st.binary(max_size=300),
    "varchar": st.text(max_size=100),
    "list<bigint>": st.lists(whole(64), max_size=5).map(lambda ids: np.array(ids, np.int64)),
    "frozen<list<bigint>>": st.lists(whole(64), max_size=5),
}
FIXED = ["bigint", "int", "smallint", "tinyint", "boolean"]


def serialize(kind: str, value: Any) -> bytes:
    encoded: bytes = TYPES[kind].serialize(value, 5)
    return encoded


def columns(kinds: Sequence[str]) -> list[BoundColumn]:
    return [
        BoundColumn(f"c{place}", kind, lambda value, kind=kind: serialize(kind, value))
        for place, kind in enumerate(kinds)
    ]


def by_column(rows: Sequence[Sequence[Any]]) -> dict[str, list[Any]]:
    return {f"c{place}": list(values) for place, values in enumerate(zip(*rows, strict=True))}


def as_the_driver_writes(kinds: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    """The body of the driver's own BATCH, between its type and count and its consistency."""
    bound = [
        (True, QUERY_ID, [serialize(k, v) for k, v in zip(kinds, row, strict=True)]) for row in rows
    ]
    body = io.BytesIO()
    BatchMessage(BatchType.UNLOGGED, bound, 6).send_body(body, 5)
    return body.getvalue()[3:-6]


@st.composite
def tables(draw: st.DrawFn, kinds: Sequence[str]) -> tuple[list[str], list[list[Any]]]:
    """Column types, the first of them a bigint, and rows of one partition."""
    chosen = ["bigint", *draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=6))]
    partition = draw(VALUES["bigint"])
    cells = st.tuples(*(VALUES[kind] for kind in chosen[1:]))
    rows = draw(st.lists(cells, min_size=1, max_size=20))
    return chosen, [[partition, *row] for row in rows]


@given(tables(FIXED))
def test_rows_of_fixed_width_are_the_drivers_bytes(
    table: tuple[list[str], list[list[Any]]],
) -> None:
    kinds, rows = table
    layout = Layout(QUERY_ID, columns(kinds), [0])
    assert layout.fixed
    (run,) = layout.rows(by_column(rows), BatchLimits())
    assert bytes(run.body) == as_the_driver_writes(kinds, rows)


@given(tables(list(TYPES)))
def test_rows_of_any_width_are_the_drivers_bytes(table: tuple[list[str], list[list[Any]]]) -> None:
    kinds, rows = table
    kinds, rows = [*kinds, "blob"], [[*row, b"\xff"] for row in rows]
    layout = Layout(QUERY_ID, columns(kinds), [0])
    assert not layout.fixed
    (run,) = layout.rows(by_column(rows), BatchLimits())
    assert bytes(run.body) == as_the_driver_writes(kinds, rows)


@given(tables(list(TYPES)))
def test_single_rows_are_the_drivers_bytes(table: tuple[list[str], list[list[Any]]]) -> None:
    kinds, rows = table
    layout = Layout(QUERY_ID, columns(kinds), [0])
    for row in rows:
        run = layout.row({f"c{place}": value for place, value in enumerate(row)})
        assert bytes(run.body) == as_the_driver_writes(kinds, [row])
        assert run.routing_key == serialize(kinds[0], row[0])


@pytest.mark.parametrize("kinds", [["int", "bigint"], ["int", "blob"]])
def test_a_column_may_be_one_value_that_all_rows_share(kinds: list[str]) -> None:
    shared: Any = 7 if kinds[1] == "bigint" else b"seven"
    layout = Layout(QUERY_ID, columns(kinds), [0])
    (run,) = layout.rows({"c0": np.zeros(3, np.int64), "c1": shared}, BatchLimits())
    assert bytes(run.body) == as_the_driver_writes(kinds, [[0, shared]] * 3)


@given(st.lists(st.tuples(whole(3), whole(3), whole(8)), min_size=1, max_size=60))
def test_rows_come_together_by_partition_and_keep_their_order(
    rows: list[tuple[int, int, int]],
) -> None:
    kinds = ["int", "bigint", "int"]
    layout = Layout(QUERY_ID, columns(kinds), [1, 0])
    runs = layout.rows({name: np.array(v) for name, v in by_column(rows).items()}, BatchLimits())
    expected = {
        routing_key([serialize("bigint", b), serialize("int", a)]): as_the_driver_writes(
            kinds, [row for row in rows if row[:2] == (a, b)]
        )
        for a, b, _ in rows
    }
    assert {run.routing_key: bytes(run.body) for run in runs} == expected
    assert len(runs) == len(expected)


@pytest.mark.parametrize("last", ["bigint", "varchar"])
def test_one_partition_is_cut_at_the_limit_of_rows(last: str) -> None:
    values = [str(n) if last == "varchar" else n for n in range(10)]
    layout = Layout(QUERY_ID, columns(["int", last]), [0])
    runs = layout.rows({"c0": 1, "c1": values}, BatchLimits(rows=4))
    assert [run.rows for run in runs] == [4, 4, 2]


@pytest.mark.parametrize("last", ["bigint", "varchar"])
def test_one_partition_is_cut_at_the_limit_of_bytes(last: str) -> None:
    values = [str(n) if last == "varchar" else n for n in range(10)]
    layout = Layout(QUERY_ID, columns(["int", last]), [0])
    whole_partition = layout.rows({"c0": 1, "c1": values}, BatchLimits())[0]
    half = len(whole_partition.body) // 2
    runs = layout.rows({"c0": 1, "c1": values}, BatchLimits(size=half))
    assert [run.rows for run in runs] == [5, 5]


def test_no_rows_are_no_runs() -> None:
    layout = Layout(QUERY_ID, columns(["int", "bigint"]), [0])
    assert layout.rows({"c0": np.array([], np.int64), "c1": []}, BatchLimits()) == []


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("int", 2**31),
        ("tinyint", -129),
        ("boolean", 2),
        ("int", 1.5),
        ("int", None),
        ("boolean", None),
        ("blob", None),
        ("varchar", None),
        ("varchar", b"bytes"),
        ("blob", "text"),
    ],
)
def test_what_a_column_cannot_hold_is_refused(kind: str, value: Any) -> None:
    """A null is refused like a value of the wrong type: it would be a tombstone."""
    layout = Layout(QUERY_ID, columns(["int", kind]), [0])
    with pytest.raises(ValueError, match="c1"):
        layout.rows({"c0": 1, "c1": [value]}, BatchLimits())
    with pytest.raises(ValueError, match="c1"):
        layout.rows({"c0": 1, "c1": value}, BatchLimits())
    with pytest.raises(ValueError, match="c1"):
        layout.row({"c0": 1, "c1": value})


def test_a_column_that_is_missing_or_unknown_is_refused() -> None:
    layout = Layout(QUERY_ID, columns(["int", "int"]), [0])
    with pytest.raises(ValueError, match="c1"):
        layout.rows({"c0": 1}, BatchLimits())
    with pytest.raises(ValueError, match="c2"):
        layout.rows({"c0": 1, "c1": 1, "c2": 1}, BatchLimits())


@pytest.mark.parametrize("last", ["bigint", "varchar"])
def test_columns_of_different_lengths_are_refused(last: str) -> None:
    layout = Layout(QUERY_ID, columns(["int", last]), [0])
    values: list[Any] = ["a", "b"] if last == "varchar" else [1, 2]
    with pytest.raises(ValueError, match="lengths"):
        layout.rows({"c0": [1, 2, 3], "c1": values}, BatchLimits())


def run(key: bytes, size: int) -> PackedRun:
    return PackedRun(key, 1, bytes(size))


@given(st.lists(st.integers(1, 50), max_size=30))
def test_batches_take_as_many_neighbours_as_fit(sizes: list[int]) -> None:
    runs = [run(b"p", size) for size in sizes]
    taken = list(fill_batches(runs, BatchLimits(shared_size=40)))
    assert [each for batch in taken for each in batch] == runs
    totals = [sum(len(each.body) for each in batch) for batch in taken]
    assert all(t <= 40 or len(b) == 1 for t, b in zip(totals, taken, strict=True))
    assert all(
        total + len(following[0].body) > 40
        for total, (_, following) in zip(totals, pairwise(taken), strict=False)
    )


def test_runs_are_grouped_by_the_set_of_nodes_that_hold_them() -> None:
    """Three nodes, two replicas: the order in which a set is named does not matter."""
    placed = {b"a": "12", b"b": "23", b"c": "21", b"d": "13"}
    runs = [run(key, 1) for key in placed]
    groups = group_by_replicas(runs, lambda key: frozenset(placed[key]))
    assert [[each.routing_key for each in group] for group in groups] == [
        [b"a", b"c"],
        [b"b"],
        [b"d"],
    ]


def test_routing_keys_are_what_the_driver_hashes() -> None:
    """One column is bare; several are framed, as `BoundStatement.routing_key` does."""
    assert routing_key([b"abc"]) == b"abc"
    assert routing_key([b"abc", b"de"]) == b"\0\3abc\0\0\2de\0"
