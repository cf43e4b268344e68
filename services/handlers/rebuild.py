"""Home timelines written anew from author timelines."""

import asyncio
from collections.abc import Collection

from schemas.ids import UserId
from schemas.requests import BackfillFollow
from services.handlers.handler import Accepted, Handler
from services.relations.store import RelationStore

PAIRS_AT_ONCE = 512
"""Followees whose entries are read together: half a million rows at most, 8 MB."""
FOLLOWEES_A_PAGE = 1_000


class Rebuild:
    """Writes what a user is owed: all that he and those he follows wrote within the retention.

    Each of them is a backfill, so a rebuilt home holds what a live one does. Nothing is removed,
    for nothing that is stored beyond that is shown; writing what is there already changes nothing.
    """

    def __init__(self, relations: RelationStore, backfill: Handler[BackfillFollow]) -> None:
        self._relations = relations
        self._backfill = backfill

    async def __call__(self, users: Collection[UserId]) -> int:
        """How many author timelines were read for these users. Raises StoreUnavailable.

        The more users at a time, the fewer requests: a timeline is read once for all of them.
        """
        found = await asyncio.gather(*map(self._owed_to, users))
        owed = sorted((each for some in found for each in some), key=_author)
        for start in range(0, len(owed), PAIRS_AT_ONCE):
            await self._backfill(owed[start : start + PAIRS_AT_ONCE])
        return len({_author(each) for each in owed})

    async def _owed_to(self, user: UserId) -> list[Accepted[BackfillFollow]]:
        authors = [user, *await followees_of(self._relations, user)]
        return [
            Accepted(BackfillFollow(follower_id=user, followee_id=author), 0)
            for author in dict.fromkeys(authors)
        ]


def _author(owed: Accepted[BackfillFollow]) -> int:
    return owed.message.followee_id


async def followees_of(relations: RelationStore, user: UserId) -> list[UserId]:
    """All whom a user follows. Raises StoreUnavailable."""
    found: list[UserId] = []
    while True:
        after = found[-1] if found else UserId(0)
        page = await relations.followees(user, after=after, limit=FOLLOWEES_A_PAGE)
        found += [edge.followee_id for edge in page]
        if len(page) < FOLLOWEES_A_PAGE:
            return found
