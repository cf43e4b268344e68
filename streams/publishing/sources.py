"""Reads messages from files; the first bytes decide whether JSON Lines or CSV, gzipped or not."""

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final, TypeAlias, cast

from schemas.codec import Message, decode, encode
from services.clock import now_ms
from streams.outbox import Outgoing
from streams.publishing.datasets import (
    FOLLOWS_HEADER,
    POSTS_HEADER,
    follow_messages,
    post_messages,
)
from streams.publishing.json_lines import NotAMessage, parse_line

GZIP: Final = b"\x1f\x8b"
LINE_BYTES: Final = 33_554_432
"""The longest line that is read: the largest message that any topic accepts."""


HEADER_BYTES: Final = 4_096
"""Looked at of a first line, to know its format."""


class MalformedLine(ValueError):
    """A line that is not a message, with its place. Nothing of it was published."""

    def __init__(self, source: str, line: int, why: str) -> None:
        super().__init__(f"{source}, line {line}: {why}")
        self.source = source
        self.line = line
        self.why = why


OnMalformed: TypeAlias = Callable[[MalformedLine], None]
"""Called for a malformed line: raises it, or returns to go on."""


def read_messages(
    file: BinaryIO, name: str, epoch: int, on_malformed: OnMalformed
) -> Iterator[Outgoing]:
    """Yield every message of a file in its order.

    A malformed line of JSON Lines is passed to `on_malformed`. A malformed row of a data set
    raises MalformedLine, since later rows may depend on it.
    """
    lines = _Lines(_plain(file), name)
    try:
        first = _first_line(lines)
        header = _header(first)
        if header == FOLLOWS_HEADER or header.startswith(POSTS_HEADER):
            yield from _dataset(header, lines, epoch)
        else:
            yield from _json_lines(first, lines, epoch, on_malformed)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise MalformedLine(name, lines.number + 1, f"damaged gzip ({error})") from error


class _Lines(Iterator[bytes]):
    """Yields the lines of a file, bounded in length, and counts them."""

    def __init__(self, file: io.BufferedIOBase, name: str) -> None:
        self.name = name
        self.number = 0
        self._file = file

    def __next__(self) -> bytes:
        line = self._file.readline(LINE_BYTES + 1)
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) > LINE_BYTES:
            raise MalformedLine(self.name, self.number, f"longer than {LINE_BYTES} bytes")
        return line


def _first_line(lines: _Lines) -> bytes:
    """Return the first line that is not blank, without a byte order mark; else nothing."""
    for line in lines:
        text = line.removeprefix(codecs.BOM_UTF8) if lines.number == 1 else line
        if text.strip():
            return text
    return b""


def _header(line: bytes) -> str:
    """Return the names in a line of CSV, quoted or not; another line as it begins."""
    text = line[:HEADER_BYTES].strip().decode(errors="replace")
    try:
        return ",".join(name.strip() for name in next(csv.reader([text]), []))
    except csv.Error:
        return text


def _plain(file: BinaryIO) -> io.BufferedIOBase:
    buffered = io.BufferedReader(cast("io.RawIOBase", file))
    compressed = buffered.peek(len(GZIP)).startswith(GZIP)
    return gzip.GzipFile(fileobj=buffered) if compressed else buffered


def _dataset(header: str, lines: _Lines, epoch: int) -> Iterator[Outgoing]:
    try:
        for fact in _facts(header, lines, epoch):
            message = Outgoing(*encode(fact))
            decode(message.topic, message.key, message.value, now_ms(), epoch)
            yield message
    except (ValueError, OverflowError, LookupError, csv.Error) as error:
        raise MalformedLine(lines.name, lines.number, str(error)) from error


def _facts(header: str, lines: _Lines, epoch: int) -> Iterator[Message]:
    text = _with_header(header, lines)
    if header == FOLLOWS_HEADER:
        return follow_messages(text)
    return post_messages(text, epoch)


def _with_header(header: str, lines: _Lines) -> Iterator[str]:
    yield header
    for line in lines:
        if line.strip():
            yield line.decode()


def _json_lines(
    first: bytes, rest: _Lines, epoch: int, on_malformed: OnMalformed
) -> Iterator[Outgoing]:
    line: bytes | None = first
    while line:
        if line.strip():
            try:
                yield parse_line(line, now_ms(), epoch)
            except NotAMessage as reason:
                on_malformed(MalformedLine(rest.name, rest.number, str(reason)))
        line = next(rest, None)
