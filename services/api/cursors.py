"""Cursors: opaque, signed positions, valid only for one listing and viewer.

A token is base64url(MAC ‖ version ‖ position [‖ floor ‖ seen...]), without padding. The MAC is
HMAC-SHA256 over the listing and what follows, cut to 16 bytes. A new layout takes a new version
byte; tokens of the old layout stay readable.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from hashlib import sha256

from schemas.ids import PostId
from services.api.page_position import PagePosition

_VERSION = b"\x01"
_MAC_BYTES = 16
_ID_BYTES = 8
_OFFSET_BYTES = 6  # of a seen entry, relative to the floor: 15 minutes of post ids are 42 bits
MAX_TOKEN = 4_096  # characters; the longest that is issued has 2,114
LOOPBACK_KEY = "mingle: cursors on the loopback are signed, but hold no secret"
"""Signs if no key is set: the same in every process and after a restart, and public."""


class InvalidCursor(ValueError):
    """A cursor is malformed, forged, or made for another listing or viewer."""


class Cursors:
    """Turns positions into tokens and back. The first key signs, all verify."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = [key.encode() for key in keys or (LOOPBACK_KEY,)]

    def seal(self, listing: str, place: PagePosition) -> str:
        """Return the token of a position in a listing."""
        return self.sign(listing, _pack(place))

    def open(self, listing: str, token: str) -> PagePosition:
        """Return the position in a token. Raises InvalidCursor if no key here signed it."""
        return _unpack(self.verify(listing, token))

    def sign(self, listing: str, payload: bytes) -> str:
        """Return the token of a payload that is valid in one listing only."""
        mac = _mac(self._keys[0], listing, payload)
        return urlsafe_b64encode(mac + payload).rstrip(b"=").decode()

    def verify(self, listing: str, token: str) -> bytes:
        """Return the payload in a token. Raises InvalidCursor if no key here signed it."""
        signed_bytes = _decode(token)
        mac, payload = signed_bytes[:_MAC_BYTES], signed_bytes[_MAC_BYTES:]
        signed = [hmac.compare_digest(mac, _mac(key, listing, payload)) for key in self._keys]
        if not any(signed):
            raise InvalidCursor("not signed for this listing and viewer")
        return payload


def _mac(key: bytes, listing: str, payload: bytes) -> bytes:
    return hmac.digest(key, listing.encode() + b"\x00" + payload, sha256)[:_MAC_BYTES]


def _decode(token: str) -> bytes:
    """Return the bytes of a token. Raises InvalidCursor unless it is in canonical form."""
    if len(token) > MAX_TOKEN or not token.isascii():
        raise InvalidCursor("not a cursor")
    try:
        signed_bytes = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except ValueError:
        raise InvalidCursor("not a cursor") from None
    if urlsafe_b64encode(signed_bytes).rstrip(b"=").decode() != token:
        raise InvalidCursor("not a cursor")
    return signed_bytes


def _pack(place: PagePosition) -> bytes:
    packed = _VERSION + place.position.to_bytes(_ID_BYTES)
    if place.floor == place.position:
        return packed
    offsets = (each - place.floor for each in place.seen)
    held = (offset.to_bytes(_OFFSET_BYTES) for offset in offsets)
    return packed + place.floor.to_bytes(_ID_BYTES) + b"".join(held)


def _unpack(payload: bytes) -> PagePosition:
    if payload[:1] != _VERSION:
        raise InvalidCursor("made by a later version of this API")
    position = PostId(int.from_bytes(payload[1:9]))
    if len(payload) == 1 + _ID_BYTES:
        return PagePosition(position, position)
    floor = int.from_bytes(payload[9:17])
    starts = range(17, len(payload), _OFFSET_BYTES)
    offsets = (int.from_bytes(payload[start : start + _OFFSET_BYTES]) for start in starts)
    return PagePosition(
        position, PostId(floor), tuple(PostId(floor + offset) for offset in offsets)
    )
