"""Signal: home in the order in which its owner is likely to want to answer (rule 29)."""

import asyncio
from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

import msgspec

from schemas.ids import DAY_MS, MAX_ID, PostId, UserId, first_post_id
from services.mentions.store import MENTIONED_LEVELS
from services.ranking.score import ScoreReason
from services.ranking.signal_order import SETTLED, SignalKey, SignalOrder, order_signal
from services.ranking.window import MAX_OWN_POSTS
from services.readers.home import Home
from services.readers.item import Item
from services.readers.paging import PageRequest
from services.readers.pulled_entries import PulledEntries
from services.readers.reader import Judgement, rest_of_span
from services.readers.signal_window import (
    SignalEntry,
    living_own_posts,
    own_rows,
    signal_rows,
)
from services.span import Span
from services.visibility.predicate import judge_in_home
from services.visibility.replies import is_against_gate

MAX_ORDERED: Final = 500
"""Entries that are ordered: the newest."""
ORDERED_MS: Final = 3 * DAY_MS
"""What is older is not ordered."""
ROUNDS: Final = (600, 1_200, 2_400)
"""Entries looked at in each round, until 500 are shown. Most homes need one round."""
MAX_REPLIES: Final = 8
"""Replies to an entry, the oldest, among which an answer is looked for."""
MAX_REPLIES_LOADED: Final = 400
"""Replies in one round, those to the newest entries first: they are read with the entries and the
viewer's own posts, by one or two store requests."""
BEHIND: Final = SETTLED + 1
"""The section behind all that is ordered, where home goes on."""


class SignalPlace(NamedTuple):
    """A place in an order of signal, which was made at `moment` (ms) of the entries below `below`.

    In the section `BEHIND`, the post of the key is the one below which home goes on.
    """

    moment: int
    below: int
    key: SignalKey


class SignalItem(NamedTuple):
    """An item of signal. What stands behind the ordered entries has no score."""

    item: Item
    score: float | None = None
    because: Sequence[ScoreReason] = ()
    folded: int = 0


class SignalPage(msgspec.Struct, frozen=True):
    """Items in order, and the place to go on from."""

    items: list[SignalItem]
    next: SignalPlace | None
    building: bool = False


class _Entries(NamedTuple):
    """Entries that home shows, newest first, the viewer's own posts, and where reading stopped."""

    shown: list[tuple[SignalEntry, Judgement]]
    own: Sequence[PostId]
    newest: int
    stopped_at: PostId | None


class _Ordered(NamedTuple):
    """An order of entries, what was decided about each, and where home goes on behind them."""

    order: SignalOrder
    judged: Sequence[Judgement]
    place: SignalPlace
    behind: PostId | None


class Signal:
    """Reads signal. Each page orders the entries again, as of the moment in its place."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._reader = home.reader
        self._retention = home.retention

    async def page(
        self, viewer: UserId, limit: int, place: SignalPlace | None = None
    ) -> SignalPage:
        """Return the items behind a place, or the first ones. Raises StoreUnavailable."""
        if place is not None and place.key.section == BEHIND:
            return await self._page_behind(viewer, limit, place)
        found = await self._order(viewer, place)
        rows = found.order.rows_behind(None if place is None else place.key)
        further = _going_on(found)
        if not rows and further is not None:
            return await self._page_behind(viewer, limit, further)
        given = rows[:limit]
        items = [
            SignalItem(
                self._reader.present(found.order.posts[row], found.judged[row], "home"),
                found.order.score(row),
                found.order.reasons(row),
                found.order.folded[row],
            )
            for row in given
        ]
        if len(rows) > limit:
            further = found.place._replace(key=found.order.keys[given[-1]])
        return SignalPage(items, further)

    async def explain(self, viewer: UserId, post: PostId) -> SignalItem | None:
        """Return what moves a post in signal now; None where it is not ordered."""
        found = await self._order(viewer, None)
        if post not in found.order.posts:
            return None
        order, row = found.order, found.order.posts.index(post)
        item = self._reader.present(post, found.judged[row], "home")
        return SignalItem(item, order.score(row), order.reasons(row), order.folded[row])

    async def _page_behind(self, viewer: UserId, limit: int, place: SignalPlace) -> SignalPage:
        before = PostId(-place.key.minus_post)
        page = await self._home.page(viewer, PageRequest(limit, before=before))
        further = None if page.older is None else _behind(place, page.older)
        return SignalPage([SignalItem(item) for item in page.items], further)

    async def _order(self, viewer: UserId, place: SignalPlace | None) -> _Ordered:
        """Read and order the newest entries, in the way of the walk that a place belongs to."""
        epoch, now = self._reader.epoch, self._reader.clock()
        moment = now if place is None else place.moment
        since = first_post_id(moment - ORDERED_MS, epoch) - 1
        floor = max(self._retention.floor(now), since)
        found = await self._read(viewer, Span(floor, MAX_ID if place is None else place.below))
        oldest_first = found.shown[:MAX_ORDERED][::-1]
        behind = found.stopped_at
        if behind is None and floor == since:
            behind = PostId(floor + 1)
        below = max(first_post_id(moment + 1, epoch), found.newest + 1)
        where = SignalPlace(moment, below, SignalKey(0, 0, 0)) if place is None else place
        order = self._rank(viewer, [entry for entry, _ in oldest_first], found.own, moment)
        return _Ordered(order, [judged for _, judged in oldest_first], where, behind)

    async def _read(self, viewer: UserId, span: Span) -> _Entries:
        """Read a span until there are enough entries that home shows."""
        pulled = self._home.pulled_entries(viewer)
        authors = self._reader.stores.author_timelines
        entries, pages = await asyncio.gather(
            self._home.load_entries(viewer, pulled, span, ROUNDS[0]),
            authors.author_pages([viewer], Span(0, span.below), MAX_OWN_POSTS),
        )
        own, newest = pages.get(viewer, []), entries[0] if entries else 0
        shown: list[tuple[SignalEntry, Judgement]] = []
        for looked_at, further in zip(ROUNDS, (*ROUNDS[1:], 0), strict=True):
            shown += await self._judge(viewer, pulled, entries, own)
            if len(shown) >= MAX_ORDERED:
                return _Entries(shown, own, newest, shown[MAX_ORDERED - 1][0].post_id)
            if len(entries) < looked_at:
                return _Entries(shown, own, newest, None)
            if further:
                span = rest_of_span(span, entries[-1])
                entries = await self._home.load_entries(viewer, pulled, span, further)
        return _Entries(shown, own, newest, entries[-1])

    async def _judge(
        self,
        viewer: UserId,
        pulled: PulledEntries,
        entries: Sequence[PostId],
        own: Collection[PostId],
    ) -> list[tuple[SignalEntry, Judgement]]:
        """Return the entries that home shows, each with what decides about it, newest first."""
        if not entries:
            return []
        children = await self._reader.stores.conversations.children(entries, MAX_REPLIES)
        replies = {entry: [child.post_id for child in children.get(entry, ())] for entry in entries}
        beside = [reply for below in replies.values() for reply in below][:MAX_REPLIES_LOADED]
        judged = await self._reader.judge(
            viewer,
            entries,
            judge_in_home,
            self._retention,
            self._home.repost_finder(viewer, pulled),
            beside=[*beside, *own],
            levels=MENTIONED_LEVELS,
        )
        return [
            (SignalEntry(entry, judged.view, replies[entry]), judged)
            for entry in entries
            if entry in judged.places
        ]

    def _rank(
        self, viewer: UserId, entries: Sequence[SignalEntry], own: Sequence[PostId], moment: int
    ) -> SignalOrder:
        epoch = self._reader.epoch
        view = entries[-1].view if entries else None
        mine = [] if view is None else living_own_posts(own, view)
        answered = {
            post.parent_id
            for post in mine
            if post.parent_id is not None and view is not None and not is_against_gate(post, view)
        }
        rows = signal_rows(entries, viewer, answered, epoch)
        return order_signal(
            rows.posts,
            rows.window,
            own_rows(mine, view, epoch),
            rows.settled,
            rows.wordings,
            viewer,
            moment,
        )


def _going_on(found: _Ordered) -> SignalPlace | None:
    return None if found.behind is None else _behind(found.place, found.behind)


def _behind(place: SignalPlace, post: PostId) -> SignalPlace:
    return place._replace(key=SignalKey(BEHIND, 0, -post))
