"""Packs: long follower lists kept as arrays beside the rows that they were read from.

A row of `followers` costs the store as much to read as an entry of a home costs to write. So a
reader of a whole chunk of a long list keeps it as one blob, under the list's pack number. The rows
stay the truth:

- The writer of an edge writes its row, then reads the number, then adds the follower to the changes
  of that pack.
- A reader of a list reads the number first, then the blobs and changes of that pack, and looks up
  the rows of the changed followers. It keeps only what it read after the number.

So an edge recorded before a read began is in the blob or among the changes. If its writer read an
earlier number than the reader, its row was there before the reader's pack began, hence before any
of that pack was read; it cannot have read a later one. Numbers only rise, and a list moves to the
next pack when a chunk has too many changes. docs/decisions/006-follower-packs.md.
"""

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from schemas.ids import SLOTS, IdArray, UserId, slots
from services.clock import Clock
from services.storage.session import Store
from services.storage.statements import insert, select

CHUNK_FOLLOWERS = 4_000
"""Followers in a chunk, or down to half of that: a fan-out page, 32 KB."""
MAX_BITS = 14
"""16,384 chunks: as many as a fan-out has pages at most."""
CHANGES = 256
"""Changes of a chunk before the next pack begins. Looking them up costs as much as a fifth of its
rows."""
BLOB_SECONDS = 7 * 86_400
CHANGE_SECONDS = 30 * 86_400
"""Changes outlive blobs by 23 days: a blob that a suspended process writes later than that after
reading its rows may miss some."""
MAX_GENERATIONS = 64
"""Earlier packs of a list that are erased. One begins after hundreds of changes in one chunk, and
its blobs leave within a week."""
_WIRE = np.dtype(">i8")
_GENERATION = 16
"""Pack numbers of one generation. A number modulo this is the pack's bits."""

_CHUNKS = "WHERE followee_id = ? AND pack = ? AND chunk IN ?"
_BLOBS = select("follower_packs", "read", "chunk, followers", _CHUNKS)
_CHANGED = select(
    "follower_changes", "read", "chunk, follower_id", f"{_CHUNKS} PER PARTITION LIMIT ?"
)
_KEEP = insert("follower_packs", "followee_id", "pack", "chunk", "followers", ttl=True)
_CHANGE = insert("follower_changes", "followee_id", "pack", "chunk", "follower_id", ttl=True)
_BEGIN = insert("follower_levels", "followee_id", "pack", operation="pack")


class Pack(NamedTuple):
    """A pack of an author's list, cut into 2 ** bits chunks of equal slot ranges."""

    author_id: UserId
    number: int

    @property
    def width(self) -> int:
        """The slots in a chunk."""
        return SLOTS >> self.number % _GENERATION

    @property
    def chunk_count(self) -> int:
        """How many chunks the pack has."""
        return SLOTS // self.width

    def chunks(self, start: int, end: int) -> list[int]:
        """Return the chunks that hold the slots in [start, end)."""
        return list(range(start // self.width, (end - 1) // self.width + 1))


class PackContents(NamedTuple):
    """The contents of some chunks of a pack: followers by chunk, and followers with changes.

    A pack that `is_full` has a chunk with too many changes; `blobs` lacks it.
    """

    blobs: Mapping[int, IdArray]
    changed: IdArray
    is_full: bool


def next_pack_number(number: int, followers: int) -> int:
    """Return the number of the next pack of a list with about so many followers.

    Two readers that begin one at the same time may count differently: the higher number stays.
    """
    bits = max(0, -(-followers // CHUNK_FOLLOWERS) - 1).bit_length()
    return (number // _GENERATION + 1) * _GENERATION + min(bits, MAX_BITS)


def earlier_packs(newest: Pack) -> Iterator[Pack]:
    """Yield every pack that a list may have had up to this one; none for number 0.

    How many chunks earlier ones had is unknown: at most one bit more, as lists may shrink.
    """
    author, number = newest
    generations, bits = divmod(number, _GENERATION)
    for generation in range(max(1, generations - MAX_GENERATIONS), generations + 1):
        for each in range(min(bits + 1, MAX_BITS) + 1):
            yield Pack(author, generation * _GENERATION + each)


class FollowerPacks:
    """The packs of all lists. Every method raises StoreUnavailable."""

    def __init__(self, store: Store, clock: Clock, changes: int = CHANGES) -> None:
        self._store = store
        self._clock = clock
        self._changes = changes

    async def begin(self, packs: Collection[Pack]) -> None:
        """Begin packs. Durable on return; an author's higher number stays."""
        await self._store.write(
            _BEGIN.row(followee_id=author, pack=number, version=number) for author, number in packs
        )

    async def add_changes(self, authors: IdArray, numbers: IdArray, followers: IdArray) -> None:
        """Add followers[i] to the changes of pack numbers[i] of authors[i]; number 0 is no pack."""
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
        """Return the blobs and changes of these chunks; some blobs may be missing."""
        author, number = pack
        requests = (
            self._store.read(_BLOBS, author, number, chunks),
            self._store.read_arrays(_CHANGED, author, number, chunks, self._changes + 1),
        )
        blobs, changes = await asyncio.gather(*requests)
        changed, counts = np.unique(changes["chunk"], return_counts=True)
        full = set(changed[counts > self._changes].tolist())
        held = {
            chunk: np.frombuffer(body, _WIRE).astype(np.int64)
            for chunk, body in blobs
            if chunk not in full
        }
        return PackContents(held, changes["follower_id"], bool(full))

    async def write(self, pack: Pack, chunks: Sequence[int], followers: IdArray) -> None:
        """Write blobs of all followers in these chunks, which were read after the pack's number."""
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
        """Return the write timestamp. Any of two blobs is right; it decides which TTL stays."""
        return self._clock() * 1_000
