"""A protocol handler for the driver that sends packed batches and receives undecoded rows.

`Session.client_protocol_handler` is the driver's extension point. Its internal requests keep its
own handler.
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
    """Takes the place of a batch's list of bound statements."""

    def __init__(self, runs: Sequence[PackedRun]) -> None:
        self.body = b"".join(run.body for run in runs)
        self._count = sum(run.rows for run in runs)

    def __len__(self) -> int:
        return self._count


class PackedMessage(BatchMessage):  # type: ignore[misc] # the driver is untyped
    """A BATCH whose rows are bytes already."""

    def send_body(self, f: io.BytesIO, protocol_version: int) -> None:
        """Write type, count and rows; the driver writes what follows them."""
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
    """The rows of one answer, which the caller decodes once, by row or by column."""

    def recv_results_rows(self, *received: Any) -> None:
        """Keep what was received, to be decoded later or not at all."""
        self._received = received
        self.parsed_rows = self

    def tuples(self) -> list[tuple[Any, ...]]:
        """Return a tuple for each row."""
        super().recv_results_rows(*self._received)
        rows: list[tuple[Any, ...]] = self.parsed_rows
        return rows

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return an array for each column. Raises ValueError for nulls; widths must be fixed."""
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
        """Encode a message."""
        if isinstance(msg, BatchMessage) and isinstance(msg.queries, PackedRows):
            packed = PackedMessage.__new__(PackedMessage)
            packed.__dict__.update(msg.__dict__)
            msg = packed
        encoded: bytes = super().encode_message(msg, *frame, **options)
        return encoded


def packed_batch(runs: Sequence[PackedRun], keyspace: str) -> Any:
    """Return an unlogged batch for the session, which sends it to a replica of its first run."""
    batch = BatchStatement(BatchType.UNLOGGED)
    batch._statements_and_parameters = PackedRows(runs)  # noqa: SLF001 the message takes it over
    batch.routing_key, batch.keyspace = runs[0].routing_key, keyspace
    batch.is_idempotent = True
    return batch
