"""What the driver's protocol handler does for us: packed batches go out, rows come in undecoded.

`Session.client_protocol_handler` is the driver's extension point. The requests that the driver
makes for itself keep its own handler.
"""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from cassandra.protocol import (
    BatchMessage,
    ProtocolHandler,
    ResultMessage,
    write_byte,
    write_short,
)
from cassandra.query import BatchStatement, BatchType
from numpy.typing import NDArray

from services.storage.packed import FIXED, PackedRun

_RowsMessage: Any = ProtocolHandler.message_types_by_opcode[ResultMessage.opcode]


class PackedRows:
    """Stands where a batch keeps its list of bound statements."""

    def __init__(self, runs: Sequence[PackedRun]) -> None:
        self.body = b"".join(run.body for run in runs)
        self._count = sum(run.rows for run in runs)

    def __len__(self) -> int:
        return self._count


class PackedMessage(BatchMessage):  # type: ignore[misc] # the driver is untyped
    """A BATCH whose rows are bytes already."""

    def send_body(self, f: io.BytesIO, protocol_version: int) -> None:
        """Type, count and rows are ours; the driver writes what follows them."""
        rows: PackedRows = self.queries
        write_byte(f, self.batch_type.value)
        write_short(f, len(rows))
        f.write(rows.body)
        empty = BatchMessage(
            self.batch_type,
            (),
            self.consistency_level,
            self.serial_consistency_level,
            self.timestamp,
            self.keyspace,
        )
        tail = io.BytesIO()
        empty.send_body(tail, protocol_version)
        f.write(tail.getbuffer()[3:])


class RowsMessage(_RowsMessage):  # type: ignore[misc] # the driver is untyped
    """The rows of one answer, decoded by whoever asked for them, once, as they want them."""

    def recv_results_rows(self, *received: Any) -> None:
        """Keep what was received; whoever asked may want it later, or no more."""
        self._received = received
        self.parsed_rows = self

    def tuples(self) -> list[tuple[Any, ...]]:
        """A tuple per row."""
        super().recv_results_rows(*self._received)
        rows: list[tuple[Any, ...]] = self.parsed_rows
        return rows

    def arrays(self) -> dict[str, NDArray[Any]]:
        """An array per column. Every column has a fixed width, and no value is null."""
        f, _, user_types, metadata, _ = self._received
        self.recv_results_metadata(f, user_types)
        columns = self.column_metadata or metadata
        body = f.read()
        wire = [(name, FIXED[kind.cql_parameterized_type()]) for _, _, name, kind in columns]
        dtype = np.dtype([field for n, v in wire for field in ((f"{n} length", ">i4"), (n, v))])
        count = int.from_bytes(body[:4], "big")
        if len(body) != 4 + count * dtype.itemsize:
            raise ValueError(f"nulls among {[name for name, _ in wire]}")
        packed = np.frombuffer(body, dtype, count, offset=4)
        return {
            name: packed[name].astype(bool if kind == FIXED["boolean"] else kind.replace(">", "="))
            for name, kind in wire
        }


class PackedProtocolHandler(ProtocolHandler):  # type: ignore[misc] # the driver is untyped
    """The driver's handler, with packed batches and undecoded rows."""

    message_types_by_opcode = ProtocolHandler.message_types_by_opcode | {
        ResultMessage.opcode: RowsMessage
    }

    @classmethod
    def encode_message(cls, msg: Any, *frame: Any, **options: Any) -> bytes:
        """Bytes of a message."""
        if isinstance(msg, BatchMessage) and isinstance(msg.queries, PackedRows):
            packed = PackedMessage.__new__(PackedMessage)
            packed.__dict__.update(msg.__dict__)
            msg = packed
        encoded: bytes = super().encode_message(msg, *frame, **options)
        return encoded


def packed_batch(runs: Sequence[PackedRun], keyspace: str) -> Any:
    """A statement for the session: an unlogged batch, sent to a replica of its first run."""
    batch = BatchStatement(BatchType.UNLOGGED)
    batch._statements_and_parameters = PackedRows(runs)  # noqa: SLF001 what the message takes over
    batch.routing_key, batch.keyspace = runs[0].routing_key, keyspace
    batch.is_idempotent = True
    return batch
