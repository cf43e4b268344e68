"""What a file holds, told by its first bytes: JSON Lines or a data set, compressed or not."""

import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final, TypeAlias, cast

from schemas.codec import Message, encode
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
"""The longest line that is read: the largest message that any topic here accepts."""


class MalformedLine(ValueError):
    """A line that is no message, with its place. Nothing of it was published."""

    def __init__(self, source: str, line: int, why: str) -> None:
        super().__init__(f"{source}, line {line}: {why}")
        self.source = source
        self.line = line
        self.why = why


OnMalformed: TypeAlias = Callable[[MalformedLine], None]
"""What is done about a malformed line: raise it, or take note and return to go on."""


def read_messages(file: BinaryIO, name: str, epoch: int, refuse: OnMalformed) -> Iterator[Outgoing]:
    """Every message of a file, in its order.

    A line of JSON Lines that is no message goes to `refuse`. A row of a data set that is none
    raises Malformed: what follows it may depend on it.
    """
    lines = _Lines(_plain(file), name)
    try:
        first = next(lines, b"")
        header = first.strip().decode(errors="replace")
        if header == FOLLOWS_HEADER or header.startswith(POSTS_HEADER):
            yield from _dataset(header, lines, epoch)
        else:
            yield from _json_lines(first, lines, epoch, refuse)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise MalformedLine(name, lines.number + 1, f"damaged gzip ({error})") from error


class _Lines(Iterator[bytes]):
    """The lines of a file, bounded and counted."""

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


def _plain(file: BinaryIO) -> io.BufferedIOBase:
    buffered = io.BufferedReader(cast("io.RawIOBase", file))
    compressed = buffered.peek(len(GZIP)).startswith(GZIP)
    return gzip.GzipFile(fileobj=buffered) if compressed else buffered


def _dataset(header: str, lines: _Lines, epoch: int) -> Iterator[Outgoing]:
    try:
        for fact in _facts(header, lines, epoch):
            yield Outgoing(*encode(fact))
    except (ValueError, LookupError) as error:
        raise MalformedLine(lines.name, lines.number, str(error)) from error


def _facts(header: str, lines: _Lines, epoch: int) -> Iterator[Message]:
    text = _with_header(header, lines)
    if header == FOLLOWS_HEADER:
        return follow_messages(text)
    return post_messages(text, epoch)


def _with_header(header: str, lines: _Lines) -> Iterator[str]:
    yield header
    for line in lines:
        yield line.decode()


def _json_lines(first: bytes, rest: _Lines, epoch: int, refuse: OnMalformed) -> Iterator[Outgoing]:
    line: bytes | None = first
    while line:
        if line.strip():
            try:
                yield parse_line(line, now_ms(), epoch)
            except NotAMessage as reason:
                refuse(MalformedLine(rest.name, rest.number, str(reason)))
        line = next(rest, None)
