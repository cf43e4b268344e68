"""Event ids: they hold the reader's state, so that any process can continue from there.

The payload is version ‖ building ‖ position, then id ‖ digest of each item held: 250 bytes for a
page of twenty. It is encrypted as cursors are, and valid as long as the key that made it.
"""

import struct
from typing import Final

from schemas.ids import PostId
from services.api.cursors import Cursors, InvalidCursor
from services.api.stream.changes import DIGEST_BYTES, ReaderState

_VERSION: Final = 1
_HEAD: Final = struct.Struct(">B?Q")
_HELD: Final = struct.Struct(f">Q{DIGEST_BYTES}s")


def seal(cursors: Cursors, listing: str, state: ReaderState) -> str:
    """Return the id of an event after which its reader has this state."""
    head = _HEAD.pack(_VERSION, state.building, state.position)
    held = b"".join(_HELD.pack(*each) for each in state.items.items())
    return cursors.encrypt(listing, head + held)


def unseal(cursors: Cursors, listing: str, token: str) -> ReaderState:
    """Return the state in an event id. Raises InvalidCursor if no key here made it."""
    payload = cursors.decrypt(listing, token)
    if payload[0] != _VERSION:
        raise InvalidCursor("made by a later version of this API")
    _, building, position = _HEAD.unpack_from(payload)
    held = _HELD.iter_unpack(payload[_HEAD.size :])
    return ReaderState(PostId(position), {PostId(post): digest for post, digest in held}, building)
