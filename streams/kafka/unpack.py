"""Unpacks compressed batches within a bound. Pure."""

import gzip
import zlib
from collections.abc import Callable
from io import BytesIO
from typing import Final, TypeAlias

import cramjam

UNPACKED_BYTES: Final = 16 << 20
"""Of one batch. Producers close a batch at a megabyte or less, some by its size when compressed:
then it unpacks to several. One batch is unpacked at a time, and a worker may have 512 MiB."""
FIRST_BYTES: Final = 256 << 10
"""Of the first buffer; 4 times as much each time that it is too small."""
XERIAL_MAGIC: Final = b"\x82SNAPPY\x00"
"""Begins what Java writes: blocks, each with its length, behind 16 bytes of a header."""
XERIAL_HEADER: Final = 16
NO_ROOM: Final = "failed to write whole buffer"
"""Says that the buffer is too small."""

Data: TypeAlias = bytes | bytearray | memoryview


class UnknownCodec(Exception):
    """No codec of Kafka's has this number."""


class TooLargeUnpacked(Exception):
    """More than UNPACKED_BYTES."""


class Damaged(Exception):
    """Not what the codec writes."""


def unpack(codec: int, packed: bytes, most: int = UNPACKED_BYTES) -> Data:
    """Return what is packed, in memory of little more than that and `most` bytes at most.

    Raises UnknownCodec, TooLargeUnpacked and Damaged.
    """
    if codec not in _CODECS:
        raise UnknownCodec(str(codec))
    try:
        return _CODECS[codec](packed, most)
    except (cramjam.DecompressionError, zlib.error, OSError, EOFError, ValueError) as error:
        raise Damaged(str(error)) from error


def _plain(packed: bytes, _most: int) -> Data:
    return packed


def _gunzip(packed: bytes, most: int) -> Data:
    unpacked = bytearray()
    with gzip.GzipFile(fileobj=BytesIO(packed)) as file:
        while piece := file.read(FIRST_BYTES):
            unpacked += piece
            if len(unpacked) > most:
                raise TooLargeUnpacked
    return unpacked


def _unsnap(packed: bytes, most: int) -> Data:
    """Java writes framed blocks, other clients one block alone."""
    if not packed.startswith(XERIAL_MAGIC):
        return _unsnap_block(packed, most)
    unpacked = bytearray()
    at = XERIAL_HEADER
    while at < len(packed):
        length = int.from_bytes(packed[at : at + 4], "big")
        begin, at = at + 4, at + 4 + length
        if at > len(packed):
            raise Damaged("a block is cut")
        unpacked += _unsnap_block(packed[begin:at], most - len(unpacked))
    return unpacked


def _unsnap_block(block: bytes, most: int) -> Data:
    if cramjam.snappy.decompress_raw_len(block) > most:
        raise TooLargeUnpacked
    return bytes(cramjam.snappy.decompress_raw(block))


def _into_buffer(decompress_into: Callable[[bytes, bytearray], int]) -> "_Unpack":
    def unpack_into_buffer(packed: bytes, most: int) -> Data:
        size = max(FIRST_BYTES, 4 * len(packed))
        while True:
            buffer = bytearray(min(size, most))
            try:
                return memoryview(buffer)[: decompress_into(packed, buffer)]
            except cramjam.DecompressionError as error:
                if NO_ROOM not in str(error):
                    raise
                if size >= most:
                    raise TooLargeUnpacked from error
            size *= 4

    return unpack_into_buffer


_Unpack: TypeAlias = Callable[[bytes, int], Data]
_CODECS: Final[dict[int, _Unpack]] = {
    0: _plain,
    1: _gunzip,
    2: _unsnap,
    3: _into_buffer(cramjam.lz4.decompress_into),
    4: _into_buffer(cramjam.zstd.decompress_into),
}
"""By the number in a batch's attributes."""
