"""Listings by audience in memory."""

from collections.abc import Collection, Sequence

from services.audiences.store import (
    AudienceChange,
    AudienceEntry,
    AudienceKey,
    Listing,
    ListingKind,
)
from services.span import Span


class MemoryAudiences:
    """An AudienceStore in this process."""

    def __init__(self) -> None:
        self._versions: dict[AudienceKey, tuple[int, bool]] = {}
        self._entries: dict[tuple[Listing, int], set[AudienceEntry]] = {}

    async def change(
        self, added: Sequence[AudienceChange], removed: Sequence[AudienceChange]
    ) -> None:
        for is_removed, changes in ((False, added), (True, removed)):
            for key, version in changes:
                known = self._versions.get(key, (version, False))
                self._versions[key] = newest = max(known, (version, is_removed))
                entries = self._entries.setdefault((key.listing, key.audience), set())
                change = entries.discard if newest[1] else entries.add
                change(AudienceEntry(key.post_id, key.author_id))

    async def pages(
        self,
        kind: ListingKind,
        ids: Collection[int],
        audiences: Collection[int],
        span: Span,
        limit: int,
    ) -> dict[int, list[AudienceEntry]]:
        found = {}
        for each in ids:
            inside = {
                entry
                for audience in audiences
                for entry in self._entries.get((Listing(kind, each), audience), ())
                if span.above < entry.post_id < span.below
            }
            if inside:
                found[each] = sorted(inside, reverse=span.newest_first)[:limit]
        return found
