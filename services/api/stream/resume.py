"""The ids of events: what their reader then holds, so that any process can go on from there.

The payload is version ‖ building ‖ position, then id ‖ digest of each item held: 250 bytes for a
page of twenty. It is signed as cursors are, and good for as long as the key that signed it.
"""

import struct
from typing import Final

from schemas.ids import PostId
from services.api.cursors import Cursors, InvalidCursor
from services.api.stream.changes import DIGEST_BYTES, ReaderState

_VERSION: Final = 1
_HEAD: Final = struct.Struct(">B?Q")
_HELD: Final = struct.Struct(f">Q{DIGEST_BYTES}s")


def seal(cursors: Cursors, listing: str, given: ReaderState) -> str:
    """The id of an event after which its reader holds this."""
    head = _HEAD.pack(_VERSION, given.building, given.position)
    return cursors.sign(listing, head + b"".join(_HELD.pack(*each) for each in given.items.items()))


def unseal(cursors: Cursors, listing: str, token: str) -> ReaderState:
    """What `seal` was given. Raises InvalidCursor for what no key of ours signed."""
    payload = cursors.verify(listing, token)
    if payload[0] != _VERSION:
        raise InvalidCursor("of a later version than this API")
    _, building, position = _HEAD.unpack_from(payload)
    held = _HELD.iter_unpack(payload[_HEAD.size :])
    return ReaderState(PostId(position), {PostId(post): digest for post, digest in held}, building)
