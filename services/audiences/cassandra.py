"""Listings by audience in Cassandra."""

import asyncio
from collections.abc import Collection, Sequence
from typing import Any, Final

from schemas.ids import PostId, UserId
from services.audiences.store import (
    AudienceChange,
    AudienceEntry,
    AudienceKey,
    Listing,
    ListingKind,
)
from services.span import Span
from services.storage.session import Store
from services.storage.statements import KEYS_AT_ONCE, delete, insert, key_chunks, select

ENTRIES_AT_ONCE: Final = 100_000
"""Rows of one answer, a few megabytes."""
POSTS_AT_ONCE: Final = 100
"""Keys that are looked up together, each audience in each of their listings."""
_KINDS: Final[dict[ListingKind, str]] = {"author": "a", "quotes": "q", "conversation": "c"}
_KEY: Final = ("kind", "listing_id", "audience", "post_id", "author_id")
_ADD = insert("audience_entries", *_KEY, operation="add")
_REMOVE = delete("audience_entries", *_KEY)
_HELD = select(
    "audience_entries",
    "held",
    "listing_id, audience, post_id, author_id",
    "WHERE kind = ? AND listing_id IN ? AND audience IN ? AND post_id IN ?",
)


def _page(order: str) -> Any:
    return select(
        "audience_entries",
        "page",
        "listing_id, post_id, author_id",
        "WHERE kind = ? AND listing_id IN ? AND audience IN ? AND post_id > ? AND post_id < ? "
        f"ORDER BY post_id {order} PER PARTITION LIMIT ?",
    )


_NEWEST, _OLDEST = _page("DESC"), _page("ASC")


class CassandraAudiences:
    """An AudienceStore in Cassandra, where versions are write timestamps."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def change(
        self, added: Sequence[AudienceChange], removed: Sequence[AudienceChange]
    ) -> None:
        await self._store.write(_ADD.row(**_columns(key), version=at) for key, at in added)
        versions = dict(sorted(removed))
        held = await self._held(versions)
        await self._store.write(_REMOVE.row(**_columns(key), version=versions[key]) for key in held)

    async def _held(self, keys: Collection[AudienceKey]) -> set[AudienceKey]:
        """Return those that are there: a tombstone for each other one would be walked as well."""
        found: set[AudienceKey] = set()
        for kind, short in _KINDS.items():
            ours = [key for key in keys if key.listing.kind == kind]
            for start in range(0, len(ours), POSTS_AT_ONCE):
                rows = await self._store.read(_HELD, short, *_asked(ours[start:][:POSTS_AT_ONCE]))
                found.update(
                    AudienceKey(Listing(kind, listing), audience, PostId(post), UserId(author))
                    for listing, audience, post, author in rows
                )
        return found & set(keys)

    async def pages(
        self,
        kind: ListingKind,
        ids: Collection[int],
        audiences: Collection[int],
        span: Span,
        limit: int,
    ) -> dict[int, list[AudienceEntry]]:
        statement = _NEWEST if span.newest_first else _OLDEST
        most = max(1, min(KEYS_AT_ONCE, ENTRIES_AT_ONCE // limit))
        found: dict[int, set[AudienceEntry]] = {}
        requests = (
            self._store.read(statement, _KINDS[kind], part, some, *span[:2], limit)
            for some in key_chunks(audiences, most)
            for part in key_chunks(ids, max(1, most // len(some)))
        )
        for rows in await asyncio.gather(*requests):
            for listing, post, author in rows:
                entry = AudienceEntry(PostId(post), UserId(author))
                found.setdefault(listing, set()).add(entry)
        return {
            listing: sorted(entries, reverse=span.newest_first)[:limit]
            for listing, entries in found.items()
        }


def _asked(keys: Sequence[AudienceKey]) -> tuple[list[int], list[int], list[int]]:
    """Return the listings, audiences and posts of keys of one kind."""
    listings = {key.listing.id for key in keys}
    return (
        sorted(listings),
        sorted({key.audience for key in keys}),
        sorted({key.post_id for key in keys}),
    )


def _columns(key: AudienceKey) -> dict[str, Any]:
    (kind, listing), audience, post, author = key
    return {
        "kind": _KINDS[kind],
        "listing_id": listing,
        "audience": audience,
        "post_id": post,
        "author_id": author,
    }
