"""Catch-up: what happened in a home since its owner last looked (rule 28)."""

import asyncio
from collections.abc import Sequence
from itertools import islice

import msgspec

from schemas.ids import DAY_MS, MAX_ID, PostId, UserId, first_post_id, post_time
from services.posts.ancestry import ancestors, load_above, root_of
from services.posts.post import Post
from services.ranking.window import LINE, MAX_OWN_POSTS
from services.readers.home import Home
from services.readers.item import Item, present_item
from services.readers.news import (
    BroadcastNews,
    ConversationNews,
    NewEntry,
    OwnAnswer,
    sum_up,
)
from services.readers.pulled_entries import PulledEntries
from services.readers.reader import FindReposts, Judgement, Reader, rest_of_span
from services.retention import Retention
from services.span import Span
from services.visibility.predicate import judge_in_home
from services.visibility.view import View

MAX_DAYS = 7
MAX_ENTRIES = 20_000
ENTRIES_AT_ONCE = 1_000
"""Entries that are judged together: what they need is let go once they are judged."""
PARTS_AT_ONCE = 2
"""Parts that are judged at a time: one is loaded while another one is decoded."""


class GivenConversation(msgspec.Struct, frozen=True):
    """Posts of a conversation in reading order, and who wrote in it, the latest first."""

    root_id: PostId
    posts: list[Item]
    participants: tuple[UserId, ...]


class CatchUpSummary(msgspec.Struct, frozen=True):
    """A summary of home from `since` on (ms), conversations first.

    `folded` counts the others' posts that no conversation gives. There were older ones behind
    MAX_ENTRIES if there are `more`.
    """

    conversations: list[GivenConversation]
    broadcasts: list[BroadcastNews]
    folded: int
    since: int
    more: bool
    building: bool = False


class CatchUpReader:
    """Sums up homes."""

    def __init__(self, home: Home, reader: Reader, retention: Retention) -> None:
        self._home = home
        self._reader = reader
        self._retention = retention

    async def read(self, viewer: UserId, since: int | None = None) -> CatchUpSummary:
        """Return what is new since a time (ms), by default since the viewer's mark on home.

        With neither it begins at the retention. Raises StoreUnavailable.
        """
        pulled = self._home.pulled_entries(viewer)
        now, epoch = self._reader.clock(), self._reader.epoch
        floor = await self._floor(pulled, since, now)
        entries, stopped_at = await self._load_entries(viewer, pulled, floor)
        own = await self._load_own(viewer)
        news = sum_up(entries, own, viewer, now)
        conversations = await self._present(viewer, pulled, news.conversations)
        return CatchUpSummary(
            conversations,
            news.broadcasts,
            news.folded,
            post_time(floor + 1 if stopped_at is None else stopped_at, epoch),
            stopped_at is not None,
        )

    async def _floor(self, pulled: PulledEntries, since: int | None, now: int) -> int:
        """Return the newest post id that is not looked at."""
        oldest, epoch = self._retention.floor(now), self._reader.epoch
        if since is None:
            mark = (await pulled.own_settings()).home_mark
            if mark is None:
                return oldest
            start = mark.up_to
        else:
            start = PostId(min(first_post_id(since, epoch) - 1, MAX_ID))
        return max(oldest, start, first_post_id(now - MAX_DAYS * DAY_MS, epoch) - 1)

    async def _load_entries(
        self, viewer: UserId, pulled: PulledEntries, floor: int
    ) -> tuple[list[NewEntry], PostId | None]:
        """Return what is shown of the newest entries, and the oldest one if there were more."""
        span, reposts = Span(floor), self._home.repost_finder(viewer, pulled)
        parts: list[asyncio.Task[list[NewEntry]]] = []
        left, stopped_at = MAX_ENTRIES, None
        try:
            while True:
                found = await self._home.load_entries(viewer, pulled, span, ENTRIES_AT_ONCE + 1)
                some = found[: min(ENTRIES_AT_ONCE, left)]
                if some:
                    if len(parts) >= PARTS_AT_ONCE:
                        await parts[-PARTS_AT_ONCE]
                    parts.append(asyncio.create_task(self._judge_part(viewer, some, reposts)))
                    left -= len(some)
                if len(found) == len(some):
                    break
                if not left:
                    stopped_at = some[-1]
                    break
                span = rest_of_span(span, some[-1])
            return [entry for part in parts for entry in await part], stopped_at
        finally:
            for part in parts:
                part.cancel()
            await asyncio.gather(*parts, return_exceptions=True)

    async def _judge_part(
        self, viewer: UserId, entries: Sequence[PostId], reposts: FindReposts
    ) -> list[NewEntry]:
        """Return the shown ones, without the posts that were loaded for them."""
        judged = await self._judge(viewer, entries, reposts)
        return [self._entry(post, judged.view) for post in entries if post in judged.places]

    async def _judge(
        self, viewer: UserId, entries: Sequence[PostId], reposts: FindReposts
    ) -> Judgement:
        return await self._reader.judge(viewer, entries, judge_in_home, self._retention, reposts)

    def _entry(self, post_id: PostId, view: View) -> NewEntry:
        post, known = view.known[post_id], view.known
        at = post_time(post_id, self._reader.epoch)
        is_near = post.author_id == view.viewer or view.follows(post.author_id)
        if post.repost_of is not None:
            return NewEntry(post_id, at, post.author_id, post_id, is_repost=True, is_near=is_near)
        line = [
            known[each].author_id
            for each in islice(ancestors(post, known), 1 + LINE)
            if each in known
        ]
        return NewEntry(
            post_id,
            at,
            post.author_id,
            root_of(post, known) or post_id,
            post.parent_id,
            line[0] if line else None,
            tuple(line[1:]),
            is_near=is_near,
        )

    async def _load_own(self, viewer: UserId) -> list[OwnAnswer]:
        """Return the viewer's latest posts, which say whom they answer."""
        stores = self._reader.stores
        pages = await stores.author_timelines.author_pages([viewer], Span(), MAX_OWN_POSTS)
        known: dict[PostId, Post] = {}
        written = pages.get(viewer, [])
        await load_above(stores.posts, known, written)
        posts = [known[each] for each in written if each in known]
        return [
            self._answer(post, known)
            for post in posts
            if not post.deleted and post.repost_of is None and post.author_id == viewer
        ]

    def _answer(self, post: Post, known: dict[PostId, Post]) -> OwnAnswer:
        epoch = self._reader.epoch
        at, root = post_time(post.post_id, epoch), root_of(post, known) or post.post_id
        parent = None if post.parent_id is None else known.get(post.parent_id)
        if parent is None:
            return OwnAnswer(at, root)
        begins = parent.parent_id is None
        return OwnAnswer(at, root, parent.author_id, post_time(parent.post_id, epoch), begins)

    async def _present(
        self, viewer: UserId, pulled: PulledEntries, lines: Sequence[ConversationNews]
    ) -> list[GivenConversation]:
        """Return the conversations with their posts, as far as these are still shown."""
        given = [post for line in lines for post in line.posts]
        if not given:
            return []
        reposts = self._home.repost_finder(viewer, pulled)
        judged = await self._judge(viewer, given, reposts)
        found = (
            GivenConversation(
                line.root_id,
                [self._item(post, judged) for post in line.posts if post in judged.places],
                line.participants,
            )
            for line in lines
        )
        return [each for each in found if each.posts]

    def _item(self, post: PostId, judged: Judgement) -> Item:
        return present_item(
            judged.view.known[post],
            judged.view,
            self._reader.epoch,
            kind=judged.verdicts[post].kind,
            context="home",
            reposters=judged.places[post],
        )
