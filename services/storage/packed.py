"""Rows of a prepared write, packed as they travel in a BATCH; numpy fills fixed-width columns.

A row is, in protocol versions 4 and 5: byte 1, short length and bytes of the query id, short number
of values, then each value behind its length as an int. Packing rows this way costs a hundredth of
binding the statements one by one.
"""

import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.storage.statements import UNSET, Column, Value

FIXED = {"bigint": ">i8", "int": ">i4", "smallint": ">i2", "tinyint": ">i1", "boolean": ">u1"}
"""CQL types of fixed width, and their wire format."""

_ID_CELL = np.dtype([("length", ">i4"), ("id", FIXED["bigint"])])
_UNSET = struct.pack(">i", -2)

Encoder = Callable[[Any], bytes]


class BoundColumn(NamedTuple):
    """A bind marker: its name, its CQL type, and the driver's own encoding of that type."""

    name: str
    cql_type: str
    serialize: Encoder


class PackedRun(NamedTuple):
    """Packed rows of one Cassandra partition, whose key is hashed as `routing_key`."""

    routing_key: bytes
    rows: int
    body: bytes | memoryview


class BatchLimits(NamedTuple):
    """Bounds of one request."""

    rows: int = 1024
    """Most rows to one partition; 4,096 were written more slowly than 1,024."""
    size: int = 128 * 1024
    """Most bytes to one partition: one segment of protocol version 5."""
    shared_size: int = 128 * 1024
    """Most bytes to several partitions; less was slower. Lower it, and leave `size`, where
    Cassandra has its default `batch_size_fail_threshold` of 50 KiB."""


class Layout:
    """Packs the rows of one prepared INSERT or UPDATE.

    A row of its columns may stand for many rows of the table: `IN ?` takes an array.
    """

    def __init__(
        self, query_id: bytes, columns: Sequence[BoundColumn], partition_key: Sequence[int]
    ) -> None:
        """`partition_key` has the indexes of the partition key's columns, in its order."""
        self._columns = columns
        self._names = {column.name for column in columns}
        self._partition_key = partition_key
        self._head = struct.pack(f">BH{len(query_id)}sH", 1, len(query_id), query_id, len(columns))
        self._encoders = [create_encoder(column) for column in columns]
        self.fixed = all(column.cql_type in FIXED for column in columns)

    def row(self, values: Mapping[str, Value]) -> PackedRun:
        """Pack one row; the store keeps what it has of UNSET columns. Raises as `rows` does."""
        self._check_names(values)
        cells = [
            _cell(encode, column, values[column.name])
            for encode, column in zip(self._encoders, self._columns, strict=True)
        ]
        key = [cells[place][4:] for place in self._partition_key]
        return PackedRun(routing_key(key), 1, self._head + b"".join(cells))

    def rows(self, columns: Mapping[str, Column], limits: BatchLimits) -> list[PackedRun]:
        """Pack rows given as columns of one length, grouped by partition and cut to the limits.

        Rows of one partition keep their order. Raises ValueError for a null, for a value that its
        column cannot hold, and for columns that are missing or unknown.
        """
        self._check_names(columns)
        if self.fixed:
            return self._pack_arrays(columns, limits)
        return self._pack_values(columns, limits)

    def _check_names(self, given: Mapping[str, object]) -> None:
        if given.keys() != self._names:
            raise ValueError(f"columns given and bound differ in {self._names ^ given.keys()}")

    def _pack_arrays(self, columns: Mapping[str, Column], limits: BatchLimits) -> list[PackedRun]:
        arrays, shared = self._arrays(columns)
        rows = len(next(iter(arrays.values()))) if arrays else 1
        partition_key = [self._columns[place].name for place in self._partition_key]
        starts = np.zeros(1, np.int64)
        spread = [arrays[name] for name in partition_key if name in arrays]
        if spread:
            order = np.lexsort(spread[::-1])  # rows of one partition keep their order
            arrays = {name: array[order] for name, array in arrays.items()}
            starts = _starts([arrays[name] for name in partition_key if name in arrays])
        if not rows:
            return []
        packed = self._fill(rows, arrays, shared)
        keys = _routing_keys([packed[f"v{place}"][starts] for place in self._partition_key])
        return list(_cut(packed, keys, [*starts.tolist(), rows], limits))

    def _arrays(
        self, columns: Mapping[str, Column]
    ) -> tuple[dict[str, NDArray[np.generic]], dict[str, NDArray[np.generic]]]:
        """Return the columns with a value for each row, and those with one value for all."""
        arrays, shared = {}, {}
        for column in self._columns:
            given = columns[column.name]
            if isinstance(given, np.ndarray | list):
                arrays[column.name] = whole_numbers(column, given)
            else:
                shared[column.name] = whole_numbers(column, [given])
        lengths = {len(array) for array in arrays.values()}
        if len(lengths) > 1:
            raise ValueError(f"columns of different lengths: {sorted(lengths)}")
        return arrays, shared

    def _fill(
        self,
        rows: int,
        arrays: Mapping[str, NDArray[np.generic]],
        shared: Mapping[str, NDArray[np.generic]],
    ) -> NDArray[np.void]:
        template = np.zeros(1, self._dtype())
        template["head"] = np.void(self._head)
        for place, column in enumerate(self._columns):
            template[f"n{place}"] = np.dtype(FIXED[column.cql_type]).itemsize
            if column.name in shared:
                template[f"v{place}"] = shared[column.name]
        packed = np.frombuffer(bytearray(template.tobytes() * rows), template.dtype)
        for place, column in enumerate(self._columns):
            if column.name in arrays:
                packed[f"v{place}"] = arrays[column.name]
        return packed

    def _dtype(self) -> np.dtype[np.void]:
        fields = [("head", f"V{len(self._head)}")]
        for place, column in enumerate(self._columns):
            fields += [(f"n{place}", ">i4"), (f"v{place}", FIXED[column.cql_type])]
        return np.dtype(fields)

    def _pack_values(self, columns: Mapping[str, Column], limits: BatchLimits) -> list[PackedRun]:
        cells = [
            _encode(encode, column, columns[column.name])
            for encode, column in zip(self._encoders, self._columns, strict=True)
        ]
        partitions: dict[tuple[bytes, ...], list[bytes]] = {}
        for row in _zip_columns(cells):
            key = tuple(row[place] for place in self._partition_key)
            partitions.setdefault(key, []).append(self._head + b"".join(row))
        return [
            PackedRun(routing_key([cell[4:] for cell in key]), len(part), b"".join(part))
            for key, rows in partitions.items()
            for part in _cut_rows(rows, limits)
        ]


def whole_numbers(column: BoundColumn, values: Column) -> NDArray[np.generic]:
    """Return the values as an array that the column holds without loss. Raises ValueError."""
    array = np.asarray(values)
    if array.size and array.dtype.kind not in "iub":
        raise ValueError(f"{column.name}: whole numbers or booleans, not {array.dtype}")
    wire = np.dtype(FIXED[column.cql_type])
    if array.dtype.kind != "b" and array.size and not np.can_cast(array.dtype, wire):
        low, high = (0, 1) if column.cql_type == "boolean" else _range(wire)
        if int(array.min()) < low or int(array.max()) > high:
            raise ValueError(f"{column.name}: out of the range of {column.cql_type}")
    return array


def create_encoder(column: BoundColumn) -> Encoder:
    """Return a function from a value to its bytes behind their length."""
    if column.cql_type in ("bigint", "int", "smallint", "tinyint"):
        wire = np.dtype(FIXED[column.cql_type])
        pack = struct.Struct(f">i{ {8: 'q', 4: 'i', 2: 'h', 1: 'b'}[wire.itemsize] }").pack
        return lambda value: pack(wire.itemsize, value)
    length = struct.Struct(">i").pack

    def encode(value: Value) -> bytes:
        encoded = column.serialize(value)
        return length(len(encoded)) + encoded

    if column.cql_type == "boolean":
        return {True: b"\0\0\0\1\1", False: b"\0\0\0\1\0"}.__getitem__
    if column.cql_type == "blob":
        return lambda value: length(len(value)) + value
    if column.cql_type == "list<bigint>":
        return lambda value: _id_list(value) if isinstance(value, np.ndarray) else encode(value)
    return encode


def _id_list(ids: NDArray[Any]) -> bytes:
    """Encode a list in a hundredth of the driver's time."""
    if ids.dtype != np.int64 or ids.ndim != 1:
        raise TypeError(f"an array of ids, not {ids.dtype} in {ids.ndim} dimensions")
    cells = np.empty(len(ids), _ID_CELL)
    cells["length"] = 8
    cells["id"] = ids
    body = cells.tobytes()
    return struct.pack(">ii", 4 + len(body), len(ids)) + body


def routing_key(values: Sequence[bytes]) -> bytes:
    """Return the partition key as Cassandra hashes it: one column bare, several each framed."""
    if len(values) == 1:
        return values[0]
    return b"".join(struct.pack(">H", len(value)) + value + b"\0" for value in values)


def group_by_replicas(
    runs: Sequence[PackedRun], replicas: Callable[[bytes], frozenset[str]]
) -> list[list[PackedRun]]:
    """Group runs by the set of nodes that hold them, so that a batch is one message to each."""
    groups: dict[frozenset[str], list[PackedRun]] = {}
    for run in runs:
        groups.setdefault(replicas(run.routing_key), []).append(run)
    return list(groups.values())


def merge_by_partition(runs: Iterable[PackedRun], limits: BatchLimits) -> list[PackedRun]:
    """Merge the runs of each partition, which a replica then writes at once, up to the limits."""
    partitions: dict[bytes, list[PackedRun]] = {}
    for run in runs:
        held = partitions.setdefault(run.routing_key, [run])
        if held[-1] is run:
            continue
        rows, body = held[-1].rows + run.rows, b"".join((held[-1].body, run.body))
        if rows <= limits.rows and len(body) <= limits.size:
            held[-1] = PackedRun(run.routing_key, rows, body)
        else:
            held.append(run)
    return [run for held in partitions.values() for run in held]


def fill_batches(runs: Sequence[PackedRun], limits: BatchLimits) -> Iterator[list[PackedRun]]:
    """Yield batches of neighbouring runs, each up to `limits.shared_size`."""
    batch: list[PackedRun] = []
    size = 0
    for run in runs:
        if batch and size + len(run.body) > limits.shared_size:
            yield batch
            batch, size = [], 0
        batch.append(run)
        size += len(run.body)
    if batch:
        yield batch


def _range(wire: np.dtype[Any]) -> tuple[int, int]:
    bounds = np.iinfo(wire)
    return int(bounds.min), int(bounds.max)


def _starts(keys: Sequence[NDArray[np.generic]]) -> NDArray[np.int64]:
    """Return the first row of each partition in rows that are grouped by partition."""
    changes = np.zeros(len(keys[0]), np.bool_)
    changes[:1] = True
    for key in keys:
        changes[1:] |= key[1:] != key[:-1]
    return np.flatnonzero(changes)


def _cut(
    packed: NDArray[np.void], keys: Sequence[bytes], places: Sequence[int], limits: BatchLimits
) -> Iterator[PackedRun]:
    """Yield the runs of partitions that begin at `places`; the last place ends the last one."""
    width = packed.itemsize
    most = max(1, min(limits.rows, limits.size // width))
    buffer = packed.view(np.uint8).data
    for key, start, stop in zip(keys, places, places[1:], strict=False):
        for low in range(start, stop, most):
            high = min(low + most, stop)
            yield PackedRun(key, high - low, buffer[low * width : high * width])


def _routing_keys(columns: Sequence[NDArray[Any]]) -> list[bytes]:
    """Return the `routing_key` of many partitions whose key columns have a fixed width."""
    framed = len(columns) > 1
    fields: list[tuple[str, str]] = []
    for place, column in enumerate(columns):
        value = (f"v{place}", column.dtype.str)
        fields += [(f"n{place}", ">u2"), value, (f"z{place}", "u1")] if framed else [value]
    keys = np.zeros(len(columns[0]), np.dtype(fields))
    for place, column in enumerate(columns):
        keys[f"v{place}"] = column
        if framed:
            keys[f"n{place}"] = column.dtype.itemsize
    buffer, width = keys.tobytes(), keys.itemsize
    return [buffer[low : low + width] for low in range(0, len(buffer), width)]


def _encode(encode: Encoder, column: BoundColumn, values: Column) -> list[bytes] | bytes:
    if isinstance(values, np.ndarray):
        return [_cell(encode, column, value) for value in values.tolist()]
    if isinstance(values, list):
        return [_cell(encode, column, value) for value in values]
    return _cell(encode, column, values)


def _cell(encode: Encoder, column: BoundColumn, value: Value) -> bytes:
    if value is UNSET:
        return _UNSET
    try:
        return encode(value)
    except (struct.error, TypeError, AttributeError, LookupError) as error:
        raise ValueError(f"{column.name}: {error!r}") from error


def _zip_columns(cells: Sequence[list[bytes] | bytes]) -> Iterator[tuple[bytes, ...]]:
    """Yield rows from columns; a value that all rows share is repeated."""
    lengths = {len(cell) for cell in cells if isinstance(cell, list)} or {1}
    if len(lengths) > 1:
        raise ValueError(f"columns of different lengths: {sorted(lengths)}")
    count = lengths.pop()
    return zip(
        *(cell if isinstance(cell, list) else repeat(cell, count) for cell in cells), strict=True
    )


def _cut_rows(rows: Sequence[bytes], limits: BatchLimits) -> Iterator[list[bytes]]:
    part: list[bytes] = []
    size = 0
    for row in rows:
        if part and (len(part) == limits.rows or size + len(row) > limits.size):
            yield part
            part, size = [], 0
        part.append(row)
        size += len(row)
    if part:
        yield part
