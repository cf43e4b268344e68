"""Home timelines written anew from author timelines."""

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
"""Followees whose entries are read together: half a million rows at most, 8 MB."""


class Rebuild:
    """Writes what a user is owed: all that he and those he follows wrote within the retention.

    Each of them is a backfill, so a rebuilt home holds what a live one does. Nothing is removed,
    for nothing that is stored beyond that is shown; writing what is there already changes nothing.
    """

    def __init__(self, stores: Stores, retention: Retention, clock: Clock) -> None:
        self._relations = stores.relations
        self._backfill = Backfill(stores, retention, clock)

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
        authors = [user, *await load_followees(self._relations, user)]
        return [
            Accepted(BackfillFollow(follower_id=user, followee_id=author), 0)
            for author in dict.fromkeys(authors)
        ]


def _author(owed: Accepted[BackfillFollow]) -> int:
    return owed.message.followee_id
