"""All that a user follows, where the store gives a page at a time."""

from schemas.ids import UserId
from services.relations.store import RelationStore

FOLLOWEES_A_PAGE = 1_000


async def load_followees(relations: RelationStore, user: UserId) -> list[UserId]:
    """Return the ids of all that a user follows, ascending. Raises StoreUnavailable."""
    found: list[UserId] = []
    while True:
        after = found[-1] if found else UserId(0)
        page = await relations.followees(user, after=after, limit=FOLLOWEES_A_PAGE)
        found += [edge.followee_id for edge in page]
        if len(page) < FOLLOWEES_A_PAGE:
            return found
