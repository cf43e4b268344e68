"""Looking through all that a table holds, from any place in it.

A place is a number of 64 bits in the store's own order, which has nothing to do with ids: who
begins at a place drawn by chance, and takes some, has drawn them by chance.
"""

from collections.abc import Iterable
from typing import Generic, NamedTuple, TypeVar

from schemas.ids import slot

IdT = TypeVar("IdT", bound=int)

START = -(2**63)
"""Before everything."""


class Scanned(NamedTuple, Generic[IdT]):
    """Some ids, perhaps one of them twice, and the place to go on from; None at the end."""

    ids: list[IdT]
    place: int | None


def scan_ids(ids: Iterable[IdT], place: int, limit: int) -> Scanned[IdT]:
    """The first `limit` of these beyond a place, in an order by hashes."""
    beyond = sorted((at, each) for each in set(ids) if (at := _place(each)) > place)
    some = beyond[:limit]
    return Scanned([each for _, each in some], some[-1][0] if len(beyond) > limit else None)


def _place(each: int) -> int:
    """The slot decides; what shares one keeps apart by its lowest bits."""
    return (slot(each) << 32) + (each & 0xFFFFFFFF) + START
