"""The inbox: the conversations of a viewer with others, by last activity (rule 27)."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from schemas.ids import MAX_ID, PostId, UserId
from services.readers.conversations import ConversationReader, InboxConversation
from services.readers.reader import Reader
from services.retention import Retention

CANDIDATES = 8
"""Conversations that are looked for, for each one of the limit and one more."""
MAX_CARRIED = 64
"""Conversations that a place carries, 1 KiB: those whose newest posts are hidden. If there are
more, those that were active longest ago are left out of the walk."""


class Carried(NamedTuple):
    """A conversation that was passed by its newest post, which is hidden, and its activity."""

    root_id: PostId
    last_post_id: PostId


class InboxPlace(NamedTuple):
    """A place between pages: older activity follows, and that of the carried conversations."""

    below: PostId
    carried: tuple[Carried, ...] = ()


START = InboxPlace(PostId(MAX_ID))


class _Candidates(NamedTuple):
    """Conversations with a post that their activity is not above, newest first.

    All others of the viewer's were active before the `edge`, 0 where there are none.
    """

    bounds: Mapping[PostId, PostId]
    edge: int


class InboxReader:
    """Reads inboxes."""

    def __init__(self, reader: Reader, retention: Retention) -> None:
        self._reader = reader
        self._stores = reader.stores
        self._retention = retention
        self._conversations = ConversationReader(reader, retention)

    async def page(
        self, viewer: UserId, place: InboxPlace | None, limit: int
    ) -> tuple[list[InboxConversation], InboxPlace | None]:
        """Return up to `limit` conversations, latest activity first, and the place behind them.

        A page is short where hidden posts leave out some of what it looked at. Raises
        StoreUnavailable.
        """
        start = place or START
        found = await self._candidates(viewer, start, limit)
        marks = await self._stores.relations.marks(viewer, found.bounds)
        waiting = [root for root in found.bounds if root not in marks.muted]
        looked_at = waiting[: limit + 1 + limit // 4]
        edge = found.edge
        if len(waiting) > len(looked_at):
            edge = found.bounds[waiting[len(looked_at)]]
        read = await self._conversations.read(viewer, looked_at, marks.read)
        talks = [each for each in read if each.last_post_id < start.below]
        talks.sort(key=lambda each: each.last_post_id, reverse=True)
        given = [each for each in talks if each.last_post_id >= edge][:limit]
        rest = talks[len(given) :]
        if not edge and not rest:
            return given, None
        # What has a place before the edge is known; behind a full page it is not even given.
        below = PostId(edge + 1)
        if rest and rest[0].last_post_id >= edge:
            below = given[-1].last_post_id
        carried = [each for each in start.carried if each.root_id not in looked_at]
        before = {each.root_id for each in start.carried}
        carried += [
            Carried(each.root_id, each.last_post_id)
            for each in rest
            if each.root_id in before or found.bounds[each.root_id] >= below
        ]
        carried.sort(key=lambda each: each.last_post_id, reverse=True)
        return given, InboxPlace(below, tuple(carried[:MAX_CARRIED]))

    async def _candidates(self, viewer: UserId, start: InboxPlace, limit: int) -> _Candidates:
        wanted = CANDIDATES * (limit + 1)
        floor = PostId(self._retention.floor(self._reader.clock()))
        recent, pulled = await asyncio.gather(
            self._stores.inboxes.recent(viewer, floor, start.below, wanted),
            self._stores.inboxes.pulled(viewer),
        )
        # Behind the first page, what has been active since was passed, also where it was so before.
        asked = pulled if start == START else pulled | recent.keys()
        newest = await self._newest(asked)
        bounds = {
            root: newest.get(root, post)
            for root, post in (*newest.items(), *recent.items())
            if floor < newest.get(root, post) < start.below
        }
        bounds |= {root: last for root, last in start.carried if floor < last}
        edge = min(recent.values()) if len(recent) == wanted else 0
        ordered = sorted(bounds.items(), key=lambda each: each[1], reverse=True)
        return _Candidates(dict(each for each in ordered if each[1] >= edge), edge)

    async def _newest(self, roots: Iterable[PostId]) -> dict[PostId, PostId]:
        """Return the newest post in each of these conversations."""
        asked = list(roots)
        found = await self._stores.inboxes.newest(asked, 1) if asked else {}
        return {root: posts[0].post_id for root, posts in found.items()}
