"""What the stores still hold of an erased account, as they find it by the account's id."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from schemas.ids import UserId
from services.activity.store import Activity
from services.posts.post import BLANKED
from services.span import Span
from services.stores import Stores
from services.timelines.author_pages import scan_author_pages

ROWS_AT_ONCE = 1_000
"""Posts or edges read at a time."""


async def remains_of(user: UserId, stores: Stores) -> dict[str, int]:
    """Count what is left, by its kind; nothing for an account that is erased.

    Ids that keep threads together do not count. Raises StoreUnavailable.
    """
    found = {
        "posts with words": await _worded_posts(user, stores),
        "followers": await _count(lambda place: stores.graph.edges_to(user, place, ROWS_AT_ONCE)),
        "statements about others, and blocks": await _count(
            lambda place: stores.relations.subjects(user, place, ROWS_AT_ONCE)
        ),
        "activity": int(await stores.activity.load(user) != Activity()),
    }
    return {kind: count for kind, count in found.items() if count}


async def _worded_posts(user: UserId, stores: Stores) -> int:
    count = 0
    pages = scan_author_pages(
        stores.author_timelines.author_pages, [user], Span(), ROWS_AT_ONCE, int
    )
    async for page in pages:
        claims = await stores.posts.load_claims(page[user])
        count += sum(
            any(getattr(each.post, field) for field in BLANKED)
            for each in claims
            if each.post.author_id == user
        )
    return count


async def _count(read: Callable[[Any], Awaitable[tuple[Sequence[object], Any]]]) -> int:
    """Count all that pages hold; `read` takes a place, and returns rows and the next place."""
    rows, place = await read(None)
    count = len(rows)
    while place is not None:
        rows, place = await read(place)
        count += len(rows)
    return count
