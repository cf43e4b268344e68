"""How batches are read: all that can be read, and what stands for the rest."""

import gzip
from typing import Any

import cramjam
import pytest
from aiokafka.structs import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from streams.kafka.batches import Batches, PartitionRecords, UntrustedBatch
from streams.kafka.unpack import UNPACKED_BYTES
from streams.records import UnreadableRecord
from tests.streams.raw_batches import (
    CODECS,
    HEADER_BYTES,
    UNKNOWN_CODEC,
    batch,
    flipped,
    sealed,
    with_codec,
)

VALUES = [f"post {number}".encode() * 20 for number in range(30)]
compressed = pytest.mark.parametrize("codec", [each for each in CODECS.values() if each])
every_codec = pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)


def reading(*batches: bytes, at: int = 0) -> PartitionRecords:
    answer = Batches(b"".join(bytes(each) for each in batches))
    return PartitionRecords(TopicPartition("posts", 0), answer, None, at, None, None, True, 0)


def read(*batches: bytes, at: int = 0) -> list[Any]:
    return list(reading(*batches, at=at))


def values(records: list[Any]) -> list[bytes | None]:
    return [each.value for each in records]


@every_codec
def test_every_codec_is_read(codec: int) -> None:
    """In pieces, from the middle, and behind another batch."""
    first, second = batch(VALUES, codec), batch(VALUES, codec, first=30)
    records = read(first, second, at=7)
    assert values(records) == VALUES[7:] + VALUES
    assert [each.offset for each in records] == list(range(7, 60))


def test_java_frames_snappy_and_others_do_not() -> None:
    framed = batch(VALUES, CODECS["snappy"])
    assert framed[HEADER_BYTES:].startswith(b"\x82SNAPPY\x00")
    plain = batch(VALUES)
    packed = bytes(cramjam.snappy.compress_raw(bytes(plain[HEADER_BYTES:])))
    raw = plain[:HEADER_BYTES] + packed
    raw[8:12] = (len(raw) - 12).to_bytes(4, "big")
    assert values(read(with_codec(raw, CODECS["snappy"]))) == VALUES


def test_gzip_may_have_several_members() -> None:
    plain = batch(VALUES)
    half = len(plain) // 2
    packed = gzip.compress(plain[HEADER_BYTES:half]) + gzip.compress(plain[half:])
    raw = plain[:HEADER_BYTES] + packed
    raw[8:12] = (len(raw) - 12).to_bytes(4, "big")
    assert values(read(with_codec(raw, CODECS["gzip"]))) == VALUES


@pytest.mark.parametrize("codec", [UNKNOWN_CODEC, 6, 7])
def test_a_codec_that_nobody_knows(codec: int) -> None:
    """One record stands for all offsets of the batch, and what follows is read."""
    unread, *others = read(with_codec(batch(VALUES), codec), batch([b"after"], first=30))
    assert isinstance(unread, UnreadableRecord)
    assert (unread.offset, unread.last_offset) == (0, 29)
    assert unread.reason == "unreadable_codec"
    assert values(others) == [b"after"]


@compressed
def test_a_batch_that_is_not_what_its_codec_writes(codec: int) -> None:
    raw = batch(VALUES, codec)
    raw[HEADER_BYTES + 16 :] = bytes(len(raw) - HEADER_BYTES - 16)
    unread, after = read(sealed(raw), batch([b"after"], first=30))
    assert (unread.reason, unread.offset, unread.last_offset) == ("unreadable_batch", 0, 29)
    assert f"{len(raw)} bytes, sha256 " in unread.detail
    assert after.value == b"after"


@compressed
def test_what_unpacks_to_too_much_is_not_unpacked(codec: int) -> None:
    megabyte = bytes(1 << 20)
    most = UNPACKED_BYTES // len(megabyte)
    assert len(read(batch([megabyte] * (most - 1), codec))) == most - 1
    unread, after = read(batch([megabyte] * most, codec), batch([b"after"], first=most))
    assert (unread.reason, unread.offset, unread.last_offset) == ("too_large_unpacked", 0, most - 1)
    assert after.value == b"after"


def test_a_header_whose_name_is_not_utf8_concerns_its_record() -> None:
    """Key and value are known; the records around it are read."""
    raw = batch(VALUES[:3], headers=[("name", b"x")])
    at = raw.index(b"name", raw.index(b"name") + 1)
    raw[at] = 0xFF
    before, unread, after = read(sealed(raw))
    assert [before.value, after.value] == [VALUES[0], VALUES[2]]
    assert (unread.reason, unread.offset, unread.last_offset) == ("unreadable_record", 1, 1)
    assert (unread.key, unread.value) == (b"bob", VALUES[1])


def test_where_a_record_has_no_end_the_rest_is_unreadable() -> None:
    raw = batch([b"aaaa", b"bbbb", b"cccc"])
    record_bytes = (len(raw) - HEADER_BYTES) // 3
    raw[HEADER_BYTES + record_bytes] = 0x7F  # the length of the second: negative
    before, unread = read(sealed(raw))
    assert before.value == b"aaaa"
    assert (unread.reason, unread.offset, unread.last_offset) == ("unreadable_batch", 1, 2)


@pytest.mark.parametrize("at", [8, 9, 10, 11, 16, 17, 21, 22, 40, HEADER_BYTES, 80])
def test_a_header_that_is_damaged_says_nothing_of_what_to_skip(at: int) -> None:
    """Nothing is skipped. Behind another batch it may look cut: then it is fetched again."""
    damaged = flipped(batch(VALUES, first=1), at)
    records = reading(damaged, at=1)
    with pytest.raises(UntrustedBatch):
        next(records)
    assert records.next_fetch_offset == 1


def test_what_comes_before_a_damaged_header_is_read() -> None:
    records = reading(batch([b"before"]), flipped(batch(VALUES, first=1), 40))
    assert next(records).value == b"before"
    with pytest.raises(UntrustedBatch, match="wrong checksum"):
        next(records)
    assert records.next_fetch_offset == 1


def test_a_batch_that_is_cut_at_the_end_is_fetched_again() -> None:
    cut = batch(VALUES, first=1)[:-1]
    records = reading(batch([b"before"]), cut)
    assert values(list(records)) == [b"before"]
    assert records.next_fetch_offset == 1


def test_what_is_read_in_part_is_unpacked_again() -> None:
    """So that one batch at a time is unpacked, whatever many partitions hold."""
    records = reading(batch(VALUES, CODECS["zstd"]))
    first = [next(records) for _ in range(7)]
    records.release()
    assert values(first + list(records)) == VALUES


@given(
    codec=st.sampled_from(sorted(CODECS.values())),
    at=st.integers(HEADER_BYTES, HEADER_BYTES + 250),
    byte=st.integers(0, 255),
)
def test_whatever_is_in_a_batch_its_offsets_are_accounted_for(
    codec: int, at: int, byte: int
) -> None:
    """No error, no offset twice, none behind the batch, and reading goes on there."""
    raw = batch(VALUES, codec, first=100)
    raw[min(at, len(raw) - 1)] = byte
    records = reading(sealed(raw), at=100)
    read_until = 100
    for each in records:
        assert read_until <= each.offset < 130
        read_until = getattr(each, "last_offset", each.offset) + 1
    assert read_until <= records.next_fetch_offset == 130
