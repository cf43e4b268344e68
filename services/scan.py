"""Looking through all that a table holds, from any place in it.

A place is a number of 64 bits in the store's own order, which has nothing to do with ids: who
begins at a place drawn by chance, and takes some, has drawn them by chance.
"""

from collections.abc import Iterable
from typing import Generic, NamedTuple, TypeVar

from schemas.ids import slot

IdT = TypeVar("IdT", bound=int)

MIN_TOKEN = -(2**63)
"""Before everything."""


class ScanPage(NamedTuple, Generic[IdT]):
    """Some ids, perhaps one of them twice, and the place to go on from; None at the end."""

    ids: list[IdT]
    token: int | None


def scan_ids(ids: Iterable[IdT], token: int, limit: int) -> ScanPage[IdT]:
    """The first `limit` of these beyond a place, in an order by hashes."""
    beyond = sorted((at, each) for each in set(ids) if (at := _token(each)) > token)
    some = beyond[:limit]
    return ScanPage([each for _, each in some], some[-1][0] if len(beyond) > limit else None)


def _token(each: int) -> int:
    """The slot decides; what shares one keeps apart by its lowest bits."""
    return (slot(each) << 32) + (each & 0xFFFFFFFF) + MIN_TOKEN
