"""Reads the batches that a broker answered with, and contains what cannot be read.

aiokafka's own reading ends the whole consumer at the first batch that it cannot read, and unpacks
without a bound. Importing this replaces it, in all of aiokafka's consumers of the process:

* what is unreadable in a batch whose checksum is right becomes an `UnreadableRecord`, which stands
  for its offsets; the rest is read;
* a batch whose header cannot be trusted raises `UntrustedBatch`: nobody knows what to skip;
* one batch is unpacked at a time, and to UNPACKED_BYTES at most.
"""

import hashlib
from collections.abc import Iterator
from struct import Struct
from typing import Any, Final, NamedTuple

import structlog
from aiokafka.consumer import fetcher
from aiokafka.consumer.fetcher import READ_COMMITTED
from aiokafka.record.default_records import (
    DefaultRecord,
    DefaultRecordBase,
    DefaultRecordBatch,
)
from aiokafka.record.util import decode_varint

from streams.kafka.unpack import Damaged, TooLargeUnpacked, UnknownCodec, unpack
from streams.records import Record, Unreadable, UnreadableRecord

HEADER: Final[Struct] = DefaultRecordBase.HEADER_STRUCT
BEFORE_LENGTH: Final = 12
"""Bytes that the length of a batch does not count."""
MAGIC: Final = 2
"""The only format since Kafka 0.11; older ones are not read."""
MALFORMED: Final = (ValueError, IndexError)
"""Raised where bytes are not what they should be; UnicodeDecodeError is one."""
CODEC_MASK: Final[int] = DefaultRecordBase.CODEC_MASK

log = structlog.get_logger(__name__)


class UntrustedBatch(Exception):
    """A batch whose header is damaged, so that its length and its offsets are not known."""


class LogBatch(NamedTuple):
    """A batch as it was sent, and what its header says."""

    raw: bytes
    base_offset: int
    attributes: int
    last_offset_delta: int
    first_timestamp: int
    max_timestamp: int
    records: int

    @property
    def last_offset(self) -> int:
        return self.base_offset + self.last_offset_delta

    @property
    def codec(self) -> int:
        return self.attributes & CODEC_MASK

    def unpacked(self) -> bytearray:
        """Return the batch without compression. Raises what `unpack` raises."""
        if not self.codec:
            return bytearray(self.raw)
        fields = list(HEADER.unpack_from(self.raw))
        fields[5] = self.attributes & ~CODEC_MASK
        plain = bytearray(HEADER.pack(*fields))
        plain += unpack(self.codec, self.raw[HEADER.size :])
        return plain

    def unreadable(self, first: int, reason: Unreadable, why: str) -> UnreadableRecord:
        """Return what stands for the offsets from `first` to the last one."""
        detail = f"{why}; the batch has {len(self.raw)} bytes, sha256 {_sha256(self.raw)}"
        return UnreadableRecord(first, self.last_offset, self.first_timestamp, reason, detail)

    def record(self, data: bytearray) -> Any:
        """Return the record, or what stands for it. Raises when even its offset is unreadable."""
        delta_ms, at = decode_varint(data, 1)  # behind attributes that nobody uses
        delta, at = decode_varint(data, at)
        offset, timestamp = self.base_offset + delta, self.first_timestamp + delta_ms
        if self.attributes & DefaultRecordBase.TIMESTAMP_TYPE_MASK:
            timestamp = self.max_timestamp
        key = value = None
        try:
            key, at = _nullable_bytes(data, at)
            value, at = _nullable_bytes(data, at)
            headers, at = _headers(data, at)
            if at != len(data):
                raise ValueError("wrong length")
        except MALFORMED as error:
            detail = f"{error}; the record has {len(data)} bytes, sha256 {_sha256(data)}"
            return UnreadableRecord(
                offset, offset, timestamp, "unreadable_record", detail, key, value
            )
        return DefaultRecord(offset, timestamp, 0, key, value, headers)


class Batches:
    """The batches of one answer, in place of aiokafka's MemoryRecords."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def size_in_bytes(self) -> int:
        return len(self._data)

    def has_next(self) -> bool:
        """Whether there is a batch. One that is cut at the end of an answer is fetched again."""
        return self._at < len(self._data) if self._at == 0 else self._end() is not None

    def current(self) -> LogBatch:
        """Return the next batch. Raises UntrustedBatch."""
        end = self._end()
        if end is None or end - self._at < HEADER.size:
            raise UntrustedBatch("wrong length")
        raw = self._data[self._at : end]
        fields = HEADER.unpack_from(raw)
        base, _, _, magic, _, attributes, last, first_time, max_time, *_, records = fields
        if magic != MAGIC:
            raise UntrustedBatch("unknown format")
        if not DefaultRecordBatch(raw).validate_crc():
            raise UntrustedBatch("wrong checksum")
        if last < 0:
            raise UntrustedBatch("wrong offsets")
        return LogBatch(raw, base, attributes, last, first_time, max_time, records)

    def advance(self) -> None:
        """Go on behind the current batch."""
        self._at = self._end() or len(self._data)

    def _end(self) -> int | None:
        """Return where the next batch ends, if it is whole."""
        if len(self._data) - self._at < BEFORE_LENGTH:
            return None
        length = int.from_bytes(self._data[self._at + 8 : self._at + 12], "big", signed=True)
        end = self._at + BEFORE_LENGTH + length
        return end if length > 0 and end <= len(self._data) else None


class PartitionRecords(fetcher.PartitionRecords):  # type: ignore[misc] # untyped upstream
    """The records of one answer, an iterator. May raise UntrustedBatch, and ends then."""

    next_fetch_offset: int
    _records: Batches

    def release(self) -> None:
        """Forget what is unpacked; it is unpacked again when it is read on."""
        self._records_iterator = self._unpack_records()

    def _unpack_records(self) -> Iterator[Record]:
        while self._records.has_next():
            batch = self._records.current()
            if not self._is_skipped(batch):
                yield from self._read(batch)
            self.next_fetch_offset = max(self.next_fetch_offset, batch.last_offset + 1)
            self._records.advance()

    def _is_skipped(self, batch: LogBatch) -> bool:
        """Whether the batch is a transaction's marker, or of an aborted one, as upstream has it."""
        upstream = DefaultRecordBatch(batch.raw)
        if self._isolation_level == READ_COMMITTED and upstream.producer_id is not None:
            self._consume_aborted_up_to(upstream.base_offset)
            if upstream.is_control_batch and self._contains_abort_marker(upstream):
                self._aborted_producers.discard(upstream.producer_id)
            aborted = upstream.producer_id in self._aborted_producers
            if upstream.is_transactional and aborted:
                return True
        return bool(upstream.is_control_batch)

    def _read(self, batch: LogBatch) -> Iterator[Record]:
        if batch.last_offset < self.next_fetch_offset:
            return
        first = max(batch.base_offset, self.next_fetch_offset)
        try:
            plain = batch.unpacked()
        except UnknownCodec as error:
            yield batch.unreadable(first, "unreadable_codec", f"codec {error}")
        except TooLargeUnpacked:
            yield batch.unreadable(first, "too_large_unpacked", "it unpacks to too much")
        except Damaged as error:
            yield batch.unreadable(first, "unreadable_batch", f"not unpacked: {error}")
        else:
            yield from self._read_plain(batch, plain)

    def _read_plain(self, batch: LogBatch, plain: bytearray) -> Iterator[Record]:
        """Fast as long as nothing is wrong; from there on record by record."""
        tp, last = self._tp, batch.last_offset
        try:
            for record in DefaultRecordBatch(plain):
                offset = record.offset
                if offset > last:
                    break
                if offset >= self.next_fetch_offset:
                    self.next_fetch_offset = offset + 1
                    yield self._consumer_record(tp, record)
            else:
                return
        except Exception as error:  # noqa: BLE001 - whatever upstream raises, the batch is malformed
            log.debug("read record by record", error=repr(error))
        yield from self._read_one_by_one(batch, plain)

    def _read_one_by_one(self, batch: LogBatch, plain: bytearray) -> Iterator[Record]:
        """A record whose bounds are known is unreadable by itself; else all from there on are."""
        at = HEADER.size
        for _ in range(batch.records):
            try:
                length, begin = decode_varint(plain, at)
                at = begin + length
                if length <= 0 or at > len(plain):
                    break
                record = batch.record(plain[begin:at])
            except MALFORMED:
                break
            if record.offset > batch.last_offset:
                break
            if record.offset >= self.next_fetch_offset:
                self.next_fetch_offset = record.offset + 1
                is_read = isinstance(record, DefaultRecord)
                yield self._consumer_record(self._tp, record) if is_read else record
        else:
            return
        first = max(batch.base_offset, self.next_fetch_offset)
        if first <= batch.last_offset:
            yield batch.unreadable(first, "unreadable_batch", "its records are malformed")


def _nullable_bytes(data: bytearray, at: int) -> tuple[bytes | None, int]:
    length, at = decode_varint(data, at)
    if length < 0:
        return None, at
    if at + length > len(data):
        raise ValueError("wrong length")
    return bytes(data[at : at + length]), at + length


def _headers(data: bytearray, at: int) -> tuple[list[tuple[str, bytes | None]], int]:
    headers = []
    count, at = decode_varint(data, at)
    for _ in range(count):
        name, at = _nullable_bytes(data, at)
        value, at = _nullable_bytes(data, at)
        if name is None:
            raise ValueError("a header has no name")
        try:
            headers.append((name.decode(), value))
        except UnicodeDecodeError:
            raise ValueError("the name of a header is not UTF-8") from None
    return headers, at


def _sha256(data: bytes | bytearray) -> str:
    return hashlib.sha256(data).hexdigest()


fetcher.MemoryRecords, fetcher.PartitionRecords = Batches, PartitionRecords
