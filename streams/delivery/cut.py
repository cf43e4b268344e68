"""Cuts a message that is too large for its dead-letter topic, and says what was cut. Pure."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final, NamedTuple

from schemas.topics import DEAD_LETTER_CONFIG

OVERHEAD: Final = 16 << 10
"""Bytes left for the headers of the latest failure and for Kafka's own."""
LARGEST_BODY: Final = int(DEAD_LETTER_CONFIG["max.message.bytes"]) - OVERHEAD
"""Bytes of key, value and headers that a dead-letter topic takes as it is declared."""
SMALLER: Final = (512 << 10, 32 << 10, 0)
"""Bytes kept where it takes less than declared: half of Kafka's default, little, nothing."""
HEADER_BYTES: Final = 16
"""For the lengths of a header, besides its name and value."""

CUT_HEADERS: Final = ("mingle.cut.bytes", "mingle.cut.sha256", "mingle.cut.parts")
"""The headers that describe a cut, behind those of the failure."""

_Header = tuple[str, bytes]


class Cut(NamedTuple):
    """A message as it was before it was cut."""

    value_bytes: str
    value_sha256: str
    """Of the whole value, in hex."""
    parts: str
    """What was cut, such as `value` or `key, headers`."""


class Body(NamedTuple):
    """Parts of a record that its dead letter repeats; headers with those of earlier failures."""

    key: bytes | None
    value: bytes | None
    headers: Sequence[_Header]

    def size(self) -> int:
        """Return its size in bytes."""
        return len(self.key or b"") + len(self.value or b"") + _size_of(self.headers)


def cut_to(body: Body, most: int) -> tuple[Body, list[_Header]]:
    """Return at most `most` bytes of a body, and the headers that say what was cut, if anything.

    The value is kept last: key and headers get a quarter each where they do not fit.
    """
    if body.size() <= most:
        return body, []
    key = body.key if body.key is None else body.key[: most // 4]
    headers = body.headers if _size_of(body.headers) <= most // 4 else ()
    left = most - len(key or b"") - _size_of(headers)
    value = body.value if body.value is None else body.value[:left]
    kept = Body(key, value, headers)
    parts = [name for name, whole, part in zip(Body._fields, body, kept, strict=True)
             if whole != part]  # fmt: skip
    whole = body.value or b""
    cut = Cut(str(len(whole)), sha256(whole).hexdigest(), ", ".join(parts))
    return kept, [(name, said.encode()) for name, said in zip(CUT_HEADERS, cut, strict=True)]


def cut_described_by(headers: Sequence[_Header]) -> Cut | None:
    """Return the cut that the headers behind the latest failure describe, or None."""
    values = {name: value.decode(errors="replace") for name, value in headers}
    if CUT_HEADERS[0] not in values:
        return None
    return Cut(*(values.get(name, "?") for name in CUT_HEADERS))


def _size_of(headers: Sequence[_Header]) -> int:
    return sum(len(name) + len(value or b"") + HEADER_BYTES for name, value in headers)
