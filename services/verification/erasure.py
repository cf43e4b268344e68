"""What the stores still hold of an erased account, as they find it by the account's id."""

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
        "followers": await _followers(user, stores),
        "statements about others, and blocks": await _subjects(user, stores),
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


async def _followers(user: UserId, stores: Stores) -> int:
    found = await stores.graph.edges_to(user, None, ROWS_AT_ONCE)
    count = len(found.followers)
    while found.next is not None:
        found = await stores.graph.edges_to(user, found.next, ROWS_AT_ONCE)
        count += len(found.followers)
    return count


async def _subjects(user: UserId, stores: Stores) -> int:
    found = await stores.relations.subjects(user, None, ROWS_AT_ONCE)
    count = len(found.subjects)
    while found.next is not None:
        found = await stores.relations.subjects(user, found.next, ROWS_AT_ONCE)
        count += len(found.subjects)
    return count
