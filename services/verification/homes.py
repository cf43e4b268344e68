"""Compares a home timeline with what its authors wrote, as their own timelines keep it.

The stored home is compared with the home as it would be pulled, from the author timelines of the
viewer's followees. The readers' own predicate judges both, so they differ
only in what is stored.
"""

import asyncio
from collections.abc import Collection, Iterable, Sequence

from schemas.ids import PostId, UserId
from services.readers.home import Home
from services.readers.reader import FindReposts, Reader
from services.readers.repost_windows import repost_finder
from services.relations.followees import load_followees
from services.reposts.window import Window
from services.retention import Retention
from services.span import Span
from services.verification.differences import Differences, ShownEntry
from services.visibility.predicate import judge_in_home
from services.visibility.windows import window_of

NEWEST = 1_000
"""Entries of a home that are compared: ten pages, more than nearly every user reads."""
MOST_FOLLOWEES = 5_000
"""Followees of a user whose home is compared: a thousand entries of each are 40 MB."""


class VerifyHomes:
    """Compares homes with what is pulled. Changes nothing."""

    def __init__(self, reader: Reader, home: Home, retention: Retention) -> None:
        self._reader = reader
        self._home = home
        self._retention = retention

    async def __call__(self, user: UserId) -> Differences | None:
        """Return how a home differs; None for users that follow too many or that are inactive.

        Every page tells inactive users that it may lack entries. Raises StoreUnavailable.
        """
        if (await self._reader.stores.activity.load(user)).may_lack_entries:
            return None
        people = [user, *await load_followees(self._reader.stores.relations, user)]
        if len(people) > MOST_FOLLOWEES:
            return None
        stores, floor = self._reader.stores, self._retention.floor(self._reader.clock())
        span = Span(above=floor)
        # Written first where a post comes now: what is stored later is no missing entry.
        written = await self._load_written(people, span)
        pulled = self._home.pulled_entries(user)
        stored = await self._home.load_entries(user, pulled, span, NEWEST)
        lowest = max(_lowest_compared(written), _lowest_compared(stored))
        expected, found = await asyncio.gather(
            self._shown_entries(
                user, written, lowest, repost_finder(stores.reposts, people, floor, NEWEST)
            ),
            self._shown_entries(user, stored, lowest, self._home.repost_finder(user, pulled)),
        )
        return Differences.between(expected, found)

    async def _load_written(self, people: Sequence[UserId], span: Span) -> list[PostId]:
        pages = await self._reader.stores.author_timelines.author_pages(people, span, NEWEST)
        posts = {post for page in pages.values() for post in page}
        return sorted(posts, reverse=True)[:NEWEST]

    async def _shown_entries(
        self, user: UserId, entries: Iterable[PostId], lowest: int, reposts: FindReposts
    ) -> set[ShownEntry]:
        asked: set[Window] = set()
        brought: set[PostId] = set()

        async def remembered(windows: Collection[Window]) -> Collection[PostId]:
            asked.update(windows)
            brought.update(await reposts(windows))
            return brought

        compared = [each for each in entries if each >= lowest]
        judged = await self._reader.judge(
            user, compared, judge_in_home, self._retention, remembered
        )
        shown = [each for each in compared if each in judged.places]
        # What only a followed tag brings is pulled by every reader, and stored for nobody.
        kept = [each for each in shown if judged.verdicts[each].kind != "tag"]
        named = {(each, by) for each in kept for by in judged.places[each]}
        # A page asks for the reposts in its windows, for their own entries may be on another one.
        # What a later claim made a post, or a repost of something else, is left over.
        found = (judged.view.known[each] for each in brought if each in judged.verdicts)
        reasons = {
            (each.post_id, each.author_id)
            for each in found
            if judged.verdicts[each.post_id].shown
            and each.repost_of is not None
            and window_of(each, judged.view) in asked
        }
        return {*((each, None) for each in kept), *named, *reasons}


def _lowest_compared(page: Sequence[PostId]) -> int:
    """Below what a page says nothing."""
    return page[-1] if len(page) == NEWEST else 0
