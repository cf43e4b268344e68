"""Where a reader of a listing stands, and what he has of it just below: pure, over post ids.

Entries may become readable below newer ones that were read already. Whoever goes on to newer
entries is given those too, as far back as LATE_MS: so a place remembers what was given there.
"""

from collections.abc import Iterable
from typing import NamedTuple

from schemas.ids import SEQUENCE_BITS, PostId

LATE_MS = 15 * 60_000
"""How far back in post time late entries are given: longer than the slow lane takes."""
MAX_SEEN = 256
"""Entries that a place remembers: 1.5 KiB, so that a `Link` header passes proxies that allow
4 KiB. A reader given more than that within LATE_MS gets late ones as far back as the 256th."""


class PagePosition(NamedTuple):
    """A position in a listing, and what its reader has of the entries in (floor, position]."""

    position: PostId
    floor: PostId
    seen: tuple[PostId, ...] = ()  # ascending


def bare_position(position: PostId) -> PagePosition:
    """A place that remembers nothing."""
    return PagePosition(position, position)


def with_seen(place: PagePosition, entries: Iterable[PostId]) -> PagePosition:
    """The place after these entries were given too.

    `place.floor` is the oldest entry of the walk, or higher: what is older was not asked for.
    """
    floor = max(place.floor, PostId(place.position - (LATE_MS << SEQUENCE_BITS)))
    known = sorted({each for each in (*place.seen, *entries) if floor < each <= place.position})
    if len(known) > MAX_SEEN:
        floor = known[-MAX_SEEN - 1]
    return PagePosition(place.position, floor, tuple(known[-MAX_SEEN:]))
