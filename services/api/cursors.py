"""Cursors: opaque, encrypted positions, valid only for one listing and viewer.

A token is base64url(version ‖ AES-SIV ciphertext), without padding. The plaintext is layout ‖
position [‖ floor ‖ seen...]; the version and the listing, which names its viewer, are associated
data. A position may be that of a post which the viewer may not see: nobody but the API reads it.

AES-SIV takes no nonce: one position in one listing is always one token, in every process, and two
tokens of a listing tell whether their positions are equal and nothing else, which their reader
knows anyway. Nothing has to be unique, so no number of tokens weakens a key.

Tokens of before were signed and not encrypted: base64url(MAC ‖ plaintext), where the MAC is
HMAC-SHA256 over the listing and the plaintext, cut to 16 bytes. They are accepted in this release.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from schemas.ids import PostId
from services.api.page_position import PagePosition

_ENCRYPTED = b"\x02"
_LAYOUT = b"\x01"
_PURPOSE = b"mingle cursors, AES-256-SIV"
_KEY_BYTES = 64
_MAC_BYTES = 16
_ID_BYTES = 8
_OFFSET_BYTES = 6  # of a seen entry, relative to the floor: 15 minutes of post ids are 42 bits
MAX_TOKEN = 4_096  # characters; the longest that is issued has 2,094
LOOPBACK_KEY = "mingle: cursors on the loopback are signed, but hold no secret"
"""The key if none is set: the same in every process and after a restart, and public."""


class InvalidCursor(ValueError):
    """A cursor is malformed, forged, or made for another listing or viewer."""


class Cursors:
    """Turns positions into tokens and back. The first key encrypts, all decrypt."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = [key.encode() for key in keys or (LOOPBACK_KEY,)]
        self._ciphers = [AESSIV(_derived(key)) for key in self._keys]

    def seal(self, listing: str, place: PagePosition) -> str:
        """Return the token of a position in a listing."""
        return self.encrypt(listing, _pack(place))

    def open(self, listing: str, token: str) -> PagePosition:
        """Return the position in a token. Raises InvalidCursor if no key here made it."""
        return _unpack(self.decrypt(listing, token))

    def encrypt(self, listing: str, payload: bytes) -> str:
        """Return the token of a payload that is valid in one listing only."""
        encrypted = self._ciphers[0].encrypt(payload, _bound_to(listing))
        return urlsafe_b64encode(_ENCRYPTED + encrypted).rstrip(b"=").decode()

    def decrypt(self, listing: str, token: str) -> bytes:
        """Return the payload in a token. Raises InvalidCursor if no key here made it."""
        received = _decode(token)
        if received[:1] == _ENCRYPTED:
            for cipher in self._ciphers:
                try:
                    return cipher.decrypt(received[1:], _bound_to(listing))
                except InvalidTag:
                    continue
        return self._verify(listing, received)  # a MAC may begin with any byte

    def _verify(self, listing: str, received: bytes) -> bytes:
        """Return the payload in a signed token. Raises InvalidCursor if no key here signed it."""
        mac, payload = received[:_MAC_BYTES], received[_MAC_BYTES:]
        signed = [hmac.compare_digest(mac, _mac(key, listing, payload)) for key in self._keys]
        if not any(signed):
            raise InvalidCursor("not made for this listing and viewer")
        return payload


def _derived(key: bytes) -> bytes:
    """Return the key of the cipher. As it is set, a key verifies tokens of before."""
    return HKDF(SHA256(), _KEY_BYTES, salt=None, info=_PURPOSE).derive(key)


def _bound_to(listing: str) -> list[bytes]:
    return [_ENCRYPTED, listing.encode()]


def _mac(key: bytes, listing: str, payload: bytes) -> bytes:
    return hmac.digest(key, listing.encode() + b"\x00" + payload, sha256)[:_MAC_BYTES]


def _decode(token: str) -> bytes:
    """Return the bytes of a token. Raises InvalidCursor unless it is in canonical form."""
    if len(token) > MAX_TOKEN or not token.isascii():
        raise InvalidCursor("not a cursor")
    try:
        received = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except ValueError:
        raise InvalidCursor("not a cursor") from None
    if urlsafe_b64encode(received).rstrip(b"=").decode() != token:
        raise InvalidCursor("not a cursor")
    return received


def _pack(place: PagePosition) -> bytes:
    packed = _LAYOUT + place.position.to_bytes(_ID_BYTES)
    if place.floor == place.position:
        return packed
    offsets = (each - place.floor for each in place.seen)
    held = (offset.to_bytes(_OFFSET_BYTES) for offset in offsets)
    return packed + place.floor.to_bytes(_ID_BYTES) + b"".join(held)


def _unpack(payload: bytes) -> PagePosition:
    if payload[:1] != _LAYOUT:
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
