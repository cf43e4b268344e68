"""Listings narrowed to what a viewer may be of the audience of, before any post is loaded."""

import asyncio
from collections.abc import Collection, Sequence
from heapq import nlargest, nsmallest

from schemas.ids import PostId, UserId
from services.audiences.store import EVERYBODY, FOLLOWERS, SIGNED_IN, Listing, followers_of
from services.readers.reader import Reader, Skeleton
from services.span import Span
from services.visibility.view import View

MAX_FOLLOWEES = 5_000
"""Followees, by ascending ids, whose entries for followers are looked for in a listing of many
authors: five requests for them and five for the entries, whether there are any or not."""


async def posts_of_authors(
    reader: Reader, authors: Collection[UserId], viewer: UserId | None
) -> Skeleton:
    """Return what these authors wrote as far as the viewer may be shown it.

    Their own posts the viewer is shown all. Raises StoreUnavailable.
    """
    followed = await _followed(reader, viewer, authors)
    others = [each for each in authors if each != viewer]
    stores = reader.stores

    async def skeleton(span: Span, limit: int) -> Sequence[PostId]:
        requests = [
            stores.audiences.pages("author", others, _open_to(viewer), span, limit),
            stores.audiences.pages("author", followed, [FOLLOWERS], span, limit),
        ]
        own = [] if viewer is None or viewer not in authors else [viewer]
        reading = asyncio.gather(*requests)
        mine = await stores.author_timelines.author_pages(own, span, limit)
        posts = {post for some in mine.values() for post in some}
        for page in await reading:
            posts.update(entry.post_id for some in page.values() for entry in some)
        return (nlargest if span.newest_first else nsmallest)(limit, posts)

    return skeleton


async def posts_of_each(  # noqa: PLR0913 - whose, for whom, and how many
    reader: Reader,
    authors: Collection[UserId],
    followed: Collection[UserId],
    viewer: UserId,
    span: Span,
    *,
    limit: int,
) -> dict[UserId, list[PostId]]:
    """Return what these authors wrote and the viewer may be shown, up to `limit` of each.

    What is for followers alone is looked for by the `followed` only; without them it is one store
    request for 333 authors. Raises StoreUnavailable.
    """
    pages = reader.stores.audiences.pages
    found: dict[UserId, list[PostId]] = {}
    for page in await asyncio.gather(
        pages("author", authors, _open_to(viewer), span, limit),
        pages("author", followed, [FOLLOWERS], span, limit),
    ):
        for author, entries in page.items():
            found.setdefault(UserId(author), []).extend(entry.post_id for entry in entries)
    return {
        author: sorted(set(posts), reverse=span.newest_first)[:limit]
        for author, posts in found.items()
    }


def posts_of_listing(reader: Reader, listing: Listing, audiences: Collection[int]) -> Skeleton:
    """Return the posts of a listing of many authors that are for one of these audiences."""

    async def skeleton(span: Span, limit: int) -> Sequence[PostId]:
        wanted = limit
        while True:
            pages = await reader.stores.audiences.pages(
                listing.kind, [listing.id], audiences, span, wanted
            )
            entries = pages.get(listing.id, [])
            posts = list(dict.fromkeys(entry.post_id for entry in entries))
            if len(posts) >= limit or len(entries) < wanted:
                return posts[:limit]
            wanted *= 2  # several authors claim the same ids

    return skeleton


async def audiences_of(reader: Reader, viewer: UserId | None) -> list[int]:
    """Return the audiences that a viewer is of in listings of many authors.

    Raises StoreUnavailable.
    """
    if viewer is None:
        return _open_to(None)
    followees = await reader.stores.relations.stated_followees(viewer, MAX_FOLLOWEES)
    return [*_open_to(viewer), *map(followers_of, followees)]


def _open_to(viewer: UserId | None) -> list[int]:
    """Return the audiences that a viewer is of whomever they follow."""
    return [EVERYBODY] if viewer is None else [EVERYBODY, SIGNED_IN, viewer]


async def _followed(
    reader: Reader, viewer: UserId | None, authors: Collection[UserId]
) -> list[UserId]:
    if viewer is None or not authors:
        return []
    relations = await reader.stores.relations.about(viewer, authors)
    view = View(viewer, {}, relations=relations)
    return [each for each in authors if view.follows(each)]
