"""Rebuilds home timelines from author timelines."""

import asyncio
from collections.abc import Collection

from schemas.ids import UserId
from schemas.requests import BackfillFollow
from services.clock import Clock
from services.handlers.delivery import Backfill
from services.handlers.handler import Accepted
from services.relations.followees import load_followees
from services.retention import Retention
from services.stores import Stores

PAIRS_AT_ONCE = 512
"""Pairs of user and followee that one backfill handles: half a million rows at most, 8 MB."""


class Rebuild:
    """Writes all posts within the retention, of users and their followees, into the users' homes.

    It runs a backfill for each followee, so a rebuilt home holds what a live one does. It removes
    nothing: other stored entries are not shown, and writing an entry again changes nothing.
    """

    def __init__(self, stores: Stores, retention: Retention, clock: Clock) -> None:
        self._relations = stores.relations
        self._backfill = Backfill(stores, retention, clock)

    async def __call__(self, users: Collection[UserId]) -> int:
        """Rebuild the homes; return how many author timelines were read. Raises StoreUnavailable.

        More users at a time take fewer requests: a timeline is read once for all its followers.
        """
        found = await asyncio.gather(*map(self._backfills_of, users))
        backfills = sorted((each for some in found for each in some), key=_author)
        for start in range(0, len(backfills), PAIRS_AT_ONCE):
            await self._backfill(backfills[start : start + PAIRS_AT_ONCE])
        return len({_author(each) for each in backfills})

    async def _backfills_of(self, user: UserId) -> list[Accepted[BackfillFollow]]:
        authors = [user, *await load_followees(self._relations, user)]
        return [
            Accepted(BackfillFollow(follower_id=user, followee_id=author), 0)
            for author in dict.fromkeys(authors)
        ]


def _author(backfill: Accepted[BackfillFollow]) -> int:
    return backfill.message.followee_id
