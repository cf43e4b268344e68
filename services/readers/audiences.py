"""Listings narrowed to what a viewer may be of the audience of, before any post is loaded."""

import asyncio
from collections.abc import Collection, Sequence
from heapq import nlargest, nsmallest

from schemas.ids import PostId, UserId
from services.audiences.store import EVERYBODY, FOLLOWERS, SIGNED_IN, AudienceEntry, Listing
from services.readers.reader import Reader, Skeleton
from services.span import Span
from services.visibility.view import View

FOLLOWED_AT_ONCE = 1_000
"""Entries for followers that are looked at together, to leave out those of others."""
FOLLOWED_ROUNDS = 100
"""Of such looks for a page; what is older than 100,000 entries of others is not found."""


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
        requests = [stores.audiences.pages("author", others, EVERYBODY, span, limit)]
        if viewer is not None:
            requests += [
                stores.audiences.pages("author", others, SIGNED_IN, span, limit),
                stores.audiences.pages("author", followed, FOLLOWERS, span, limit),
                stores.audiences.pages("author", others, viewer, span, limit),
            ]
        own = [] if viewer is None or viewer not in authors else [viewer]
        reading = asyncio.gather(*requests)
        mine = await stores.author_timelines.author_pages(own, span, limit)
        posts = {post for some in mine.values() for post in some}
        for page in await reading:
            posts.update(entry.post_id for some in page.values() for entry in some)
        return (nlargest if span.newest_first else nsmallest)(limit, posts)

    return skeleton


def posts_of_listing(reader: Reader, listing: Listing, viewer: UserId | None) -> Skeleton:
    """Return the posts of a listing as far as the viewer may be shown them."""

    async def page(audience: int, span: Span, limit: int) -> list[AudienceEntry]:
        found = await reader.stores.audiences.pages(
            listing.kind, [listing.id], audience, span, limit
        )
        return found.get(listing.id, [])

    async def of_followed(span: Span, limit: int) -> list[AudienceEntry]:
        """Return entries for followers whose authors the viewer follows."""
        kept: list[AudienceEntry] = []
        for _ in range(FOLLOWED_ROUNDS):
            some = await page(FOLLOWERS, span, FOLLOWED_AT_ONCE)
            followed = set(await _followed(reader, viewer, {each.author_id for each in some}))
            kept += [each for each in some if each.author_id in followed]
            if len(some) < FOLLOWED_AT_ONCE or len(kept) >= limit:
                break
            last = some[-1].post_id
            span = span._replace(below=last) if span.newest_first else span._replace(above=last)
        return kept

    async def skeleton(span: Span, limit: int) -> Sequence[PostId]:
        requests = [page(EVERYBODY, span, limit)]
        if viewer is not None:
            requests += [page(SIGNED_IN, span, limit), page(viewer, span, limit)]
            requests.append(of_followed(span, limit))
        pages = await asyncio.gather(*requests)
        posts = {entry.post_id for some in pages for entry in some}
        return sorted(posts, reverse=span.newest_first)[:limit]

    return skeleton


async def _followed(
    reader: Reader, viewer: UserId | None, authors: Collection[UserId]
) -> list[UserId]:
    if viewer is None or not authors:
        return []
    relations = await reader.stores.relations.about(viewer, authors)
    view = View(viewer, {}, relations=relations)
    return [each for each in authors if view.follows(each)]
