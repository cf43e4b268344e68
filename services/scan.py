"""Scans of a whole table, from any token on.

A token is a signed 64-bit number in the store's own order, which is unrelated to ids: ids read from
a random token on are a random sample.
"""

from collections.abc import Iterable
from typing import Generic, NamedTuple, TypeVar

from schemas.ids import slot

IdT = TypeVar("IdT", bound=int)

MIN_TOKEN = -(2**63)
"""The token before all ids."""


class ScanPage(NamedTuple, Generic[IdT]):
    """Some ids, possibly with repeats, and the token to continue from; None at the end."""

    ids: list[IdT]
    token: int | None


def scan_ids(ids: Iterable[IdT], token: int, limit: int) -> ScanPage[IdT]:
    """Return the first `limit` ids after a token, as a store in memory scans them."""
    beyond = sorted((at, each) for each in set(ids) if (at := _token(each)) > token)
    page = beyond[:limit]
    return ScanPage([each for _, each in page], page[-1][0] if len(beyond) > limit else None)


def _token(each: int) -> int:
    """Return the slot, then the lowest bits of the id, which tell apart ids of one slot."""
    return (slot(each) << 32) + (each & 0xFFFFFFFF) + MIN_TOKEN
