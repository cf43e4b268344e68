"""Joining reposts to their originals, in whatever order they arrive.

A repost first writes its link below what it names, then reads the line of reposts above; a post
first writes itself, then reads what reposts it. Whichever comes last sees all the others, so it
finds where each of these lines ends now, and asks for the delivery of reposts for which nobody
has asked under that original.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np

from schemas.events import Creation, PostFact
from schemas.ids import PostId, UserId
from services.handlers.handler import Accepted
from services.posts.ancestry import load_above
from services.posts.post import Post
from services.posts.store import MAX_ANCESTOR_HINT, PostStore
from services.reposts.store import RepostLink, RepostPage, RepostStore, ResolvedRepost

LINKS_AT_ONCE = 1_000
"""Reposts of one post read at a time: 32 KB."""


class FanOutPost(NamedTuple):
    """A post to bring to its author's followers, and its original where it is a repost of one."""

    post_id: PostId
    author_id: UserId
    accepted_at: int
    original_id: PostId | None = None


class ChainEnd(NamedTuple):
    """Where a line of reposts ends, and what is above that: its own hint."""

    post_id: PostId
    known: bool
    ancestor_hint: tuple[PostId, ...] = ()


RequestDelivery: TypeAlias = Callable[[Sequence[FanOutPost]], Awaitable[None]]
"""Returns when the deliveries are asked for, durably."""


class LinkReposts:
    """Finds the originals of reposts, as soon as and as often as they change."""

    def __init__(self, posts: PostStore, reposts: RepostStore) -> None:
        self._posts = posts
        self._store = reposts

    async def link(self, created: Iterable[Creation]) -> None:
        """Writes the links of reposts to what they name, before anything is read."""
        links = [link for each in created if (link := _link(each)) is not None]
        if links:
            await self._store.link(links)

    async def deliver(
        self, created: Sequence[Accepted[Creation]], request: RequestDelivery
    ) -> None:
        """Asks for the delivery of posts that were recorded, and of the reposts that they move."""
        arrived = {PostId(each.message.post_id): each.accepted_at for each in created}
        below = await self._store.reposts_of(arrived, None, LINKS_AT_ONCE)
        reposts = {PostId(each.message.post_id) for each in created if _link(each.message)}
        ends = await self._ends(reposts | {each.target_id for each in below.requested})
        own = [(_link(each.message), _as_it_is(each)) for each in created]
        await self._hint([link for link, _ in own if link is not None], ends)
        await self._request(
            [(link, each._replace(original_id=_original(link, ends))) for link, each in own],
            request,
        )
        await self._request_below(ends, below, max(arrived.values()), request)

    async def _hint(
        self, links: Iterable[RepostLink], ends: Mapping[PostId, ChainEnd | None]
    ) -> None:
        """Tells reposts what a reader of them needs beside the post that they name."""
        lines = {
            (link.post_id, link.author_id): (end.post_id, *end.ancestor_hint)[:MAX_ANCESTOR_HINT]
            for link in links
            if (end := ends[link.post_id]) is not None
            and (end.ancestor_hint or end.post_id != link.target_id)
        }
        if lines:
            await self._posts.hint_ancestors(lines)

    async def _request_below(
        self,
        ends: Mapping[PostId, ChainEnd | None],
        below: RepostPage,
        accepted_at: int,
        request: RequestDelivery,
    ) -> None:
        """Asks for what is below posts: it ends where they do.

        Of what was looked at, only what has more below it is remembered: nearly nothing has.
        """
        seen: set[tuple[PostId, ChainEnd]] = set()
        waiting: list[tuple[dict[PostId, ChainEnd], RepostLink | None]] = []
        moved = [
            (each, end) for each in below.requested if (end := ends[each.target_id]) is not None
        ]
        while True:
            await self._request(
                [
                    (each, FanOutPost(each.post_id, each.author_id, accepted_at, original))
                    for each, end in moved
                    if (original := _fitting(each.post_id, end)) is not None
                    and original not in below.requested[each]
                ],
                request,
            )
            seen.update((each.target_id, end) for each, end in moved)
            waiting += [
                ({each.target_id: end}, each)
                for each, end in _last_of_each(moved)
                if each.target_id in below.truncated
            ]
            further = {(each.post_id, end) for each, end in moved} - seen
            while further:  # a post may be below several ends
                waiting.append((dict(further), None))
                further -= waiting[-1][0].items()
            if not waiting:
                return
            above, after = waiting.pop()
            below = await self._store.reposts_of(above, after, LINKS_AT_ONCE)
            moved = [(each, above[each.target_id]) for each in below.requested]

    async def _request(
        self, deliveries: Sequence[tuple[RepostLink | None, FanOutPost]], request: RequestDelivery
    ) -> None:
        """What a backfill reads is there before the followers are read; a mark comes last."""
        if not deliveries:
            return
        resolved = [
            ResolvedRepost(link, each.original_id)
            for link, each in deliveries
            if link is not None and each.original_id is not None
        ]
        if resolved:
            await self._keep(resolved)
        await request([each for _, each in deliveries])
        if resolved:
            await self._store.mark_requested(resolved)

    async def _keep(self, resolved: Sequence[ResolvedRepost]) -> None:
        """For backfills, and for the home of the one who reposts."""
        await self._store.add_author_reposts(resolved)
        rows = [(each.author_id, original, each.post_id) for each, original in resolved]
        authors, originals, reposts = np.array(rows, np.int64).T
        await self._store.add_home_reposts(authors, originals, reposts)

    async def _ends(self, posts: Collection[PostId]) -> dict[PostId, ChainEnd | None]:
        if not posts:
            return {}
        known: dict[PostId, Post] = {}
        await load_above(self._posts, known, posts)
        return {each: chain_end(each, known) for each in posts}


def chain_end(post: PostId, known: Mapping[PostId, Post]) -> ChainEnd | None:
    """Where a line of reposts ends: at no repost, or at an unknown post. None for a cycle."""
    seen = {post}
    while (at := known.get(post)) is not None and at.repost_of is not None:
        if at.repost_of in seen:
            return None
        seen.add(at.repost_of)
        post = at.repost_of
    return ChainEnd(post, at is not None, () if at is None else at.ancestor_hint)


def _last_of_each(
    moved: Iterable[tuple[RepostLink, ChainEnd]],
) -> Iterable[tuple[RepostLink, ChainEnd]]:
    """The last repost of each target."""
    return {each.target_id: (each, end) for each, end in sorted(moved)}.values()


def _link(created: PostFact) -> RepostLink | None:
    if not isinstance(created, Creation) or created.repost_of is None:
        return None
    return RepostLink(PostId(created.repost_of), PostId(created.post_id), UserId(created.author_id))


def _as_it_is(created: Accepted[Creation]) -> FanOutPost:
    said = created.message
    return FanOutPost(PostId(said.post_id), UserId(said.author_id), created.accepted_at)


def _original(link: RepostLink | None, ends: Mapping[PostId, ChainEnd | None]) -> PostId | None:
    """Of a repost that arrived; None where its post, by an earlier claim, is none."""
    if link is None:
        return None
    return _fitting(link.post_id, ends[link.post_id])


def _fitting(repost: PostId, end: ChainEnd | None) -> PostId | None:
    """An unknown post is as good as an original: most often it is only late.

    One that is newer may be made up, years ahead, and rows are kept by its time: it has to come
    first.
    """
    if end is None or end.post_id == repost or (not end.known and end.post_id > repost):
        return None
    return end.post_id
