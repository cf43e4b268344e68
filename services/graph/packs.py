"""Long follower lists, kept as arrays beside the rows they were read from.

A row of `followers` costs the store as much to read as an entry of a home costs to write. So
whoever has read a whole chunk of a long list keeps it as one blob, under the list's pack number.
The rows stay the truth:

- who records an edge writes its row, then reads the number, then names the follower in the changes
  of that pack;
- who reads a list reads the number first, takes the blobs and the changes of that pack, and looks
  up the rows of those who are named; what is kept was read after the number was.

So an edge whose recording ended before a reader began is in the blob, or is named: had its writer
read an earlier number, its row was there before the reader's pack was begun, hence before anything
of it was read; a later number than the reader's it cannot have read. Numbers only rise, and a pack
is left for the next when it has many changes. docs/decisions/006-follower-packs.md.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from schemas.ids import SLOTS, IdArray, UserId, slots
from services.clock import Clock
from services.storage.session import Store
from services.storage.statements import insert, select

CHUNK_FOLLOWERS = 4_000
"""In a chunk, or half as many: a page of fan-out, 32 KB."""
MAX_BITS = 14
"""16,384 chunks, as there are pages at most."""
CHANGES = 256
"""In a chunk, before the next pack begins: to look them up costs as much as a fifth of its rows."""
BLOB_SECONDS = 7 * 86_400
CHANGE_SECONDS = 30 * 86_400
"""A blob that is kept 23 days after its rows were read, by a process that slept, misses changes."""
_WIRE = np.dtype(">i8")
_GENERATION = 16
"""Pack numbers of one generation, which differ in their chunks."""

_CHUNKS = "WHERE followee_id = ? AND pack = ? AND chunk IN ?"
_BLOBS = select("follower_packs", "read", "chunk, followers", _CHUNKS)
_CHANGED = select(
    "follower_changes", "read", "chunk, follower_id", f"{_CHUNKS} PER PARTITION LIMIT ?"
)
_KEEP = insert("follower_packs", "followee_id", "pack", "chunk", "followers", ttl=True)
_CHANGE = insert("follower_changes", "followee_id", "pack", "chunk", "follower_id", ttl=True)
_BEGIN = insert("follower_levels", "followee_id", "pack", operation="pack")


class Pack(NamedTuple):
    """One author's list, cut into 2 ** bits chunks of equal slot ranges."""

    author_id: UserId
    number: int

    @property
    def width(self) -> int:
        """Slots in a chunk."""
        return SLOTS >> self.number % _GENERATION

    def chunks(self, start: int, end: int) -> list[int]:
        """Those that hold the slots in [start, end)."""
        return list(range(start // self.width, (end - 1) // self.width + 1))


class PackContents(NamedTuple):
    """What a pack holds of some chunks."""

    blobs: Mapping[int, IdArray]
    changed: IdArray
    is_worn: bool
    """A chunk has more changes than are told."""


def next_pack_number(number: int, followers: int) -> int:
    """The number of the next pack of a list of some so many followers.

    Two readers that begin one at once may count differently: the higher number stays.
    """
    bits = max(0, -(-followers // CHUNK_FOLLOWERS) - 1).bit_length()
    return (number // _GENERATION + 1) * _GENERATION + min(bits, MAX_BITS)


class FollowerPacks:
    """Every method raises StoreUnavailable."""

    def __init__(self, store: Store, clock: Clock, changes: int = CHANGES) -> None:
        self._store = store
        self._clock = clock
        self._changes = changes

    async def begin(self, packs: Collection[Pack]) -> None:
        """Durable on return; a higher number of the same author's stays."""
        await self._store.write(
            _BEGIN.row(followee_id=author, pack=number, version=number) for author, number in packs
        )

    async def change(self, authors: IdArray, numbers: IdArray, followers: IdArray) -> None:
        """Names followers[i] in the pack numbers[i] of authors[i]; 0 is none."""
        packed = np.flatnonzero(numbers)
        if not len(packed):
            return
        authors, numbers, followers = authors[packed], numbers[packed], followers[packed]
        await self._store.write_columns(
            _CHANGE,
            {
                "followee_id": authors,
                "pack": numbers,
                "chunk": slots(followers) // (SLOTS >> numbers % _GENERATION),
                "follower_id": followers,
                "ttl": CHANGE_SECONDS,
                "version": self._version(),
            },
        )

    async def read(self, pack: Pack, chunks: Sequence[int]) -> PackContents:
        author, number = pack
        asked = (
            self._store.read(_BLOBS, author, number, chunks),
            self._store.read_arrays(_CHANGED, author, number, chunks, self._changes + 1),
        )
        blobs, changes = await asyncio.gather(*asked)
        where, counts = np.unique(changes["chunk"], return_counts=True)
        worn = set(where[counts > self._changes].tolist())
        held = {
            chunk: np.frombuffer(body, _WIRE).astype(np.int64)
            for chunk, body in blobs
            if chunk not in worn
        }
        return PackContents(held, changes["follower_id"], bool(worn))

    async def keep(self, pack: Pack, chunks: Sequence[int], followers: IdArray) -> None:
        """All followers of these chunks, read since the pack's number was."""
        places = slots(followers) // pack.width
        await self._store.write(
            _KEEP.row(
                followee_id=pack.author_id,
                pack=pack.number,
                chunk=chunk,
                followers=np.sort(followers[places == chunk]).astype(_WIRE).tobytes(),
                ttl=BLOB_SECONDS,
                version=self._version(),
            )
            for chunk in chunks
        )

    def _version(self) -> int:
        """Of two blobs, or two changes, either is right: only how long they stay hangs on it."""
        return self._clock() * 1_000
