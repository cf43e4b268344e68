"""A reader's position in a listing and the entries they have seen just below it. Pure.

Entries may become readable below newer ones that were read already. A reader who goes on to newer
entries gets those late ones too, up to LATE_MS back, so a position remembers what was seen there.
"""

from collections.abc import Iterable
from typing import NamedTuple

from schemas.ids import SEQUENCE_BITS, PostId

LATE_MS = 15 * 60_000
"""Post time over which late entries are returned: longer than the bulk lane takes."""
MAX_SEEN = 256
"""Entries that a position remembers: 1.5 KiB, so that a `Link` header passes proxies that allow
4 KiB. A reader who saw more within LATE_MS gets late entries back to the 256th."""


class PagePosition(NamedTuple):
    """A position in a listing and the entries that its reader has seen in (floor, position]."""

    position: PostId
    floor: PostId
    seen: tuple[PostId, ...] = ()  # ascending


def bare_position(position: PostId) -> PagePosition:
    """Return a position that remembers no entries."""
    return PagePosition(position, position)


def with_seen(place: PagePosition, entries: Iterable[PostId]) -> PagePosition:
    """Return the position after these entries were seen too.

    `place.floor` is the oldest entry of the walk, or higher: older ones were not requested.
    """
    floor = max(place.floor, PostId(place.position - (LATE_MS << SEQUENCE_BITS)))
    known = sorted({each for each in (*place.seen, *entries) if floor < each <= place.position})
    if len(known) > MAX_SEEN:
        floor = known[-MAX_SEEN - 1]
    return PagePosition(place.position, floor, tuple(known[-MAX_SEEN:]))
