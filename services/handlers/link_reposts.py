"""Joins reposts to their originals, in whatever order they arrive.

A repost writes its link to the post that it names, then reads the chain of reposts above; a post
writes itself, then reads the reposts that name it. Whichever comes last sees all the others: it
finds where each chain ends now, and requests the delivery of reposts under originals for which
nobody has requested it yet.
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
"""Reposts of one post read at a time, 32 KB."""


class FanOutPost(NamedTuple):
    """A post to deliver to its author's followers, with its original if it is a repost."""

    post_id: PostId
    author_id: UserId
    accepted_at: int
    original_id: PostId | None = None


class ChainEnd(NamedTuple):
    """The last post of a chain of reposts, and its ancestor hint."""

    post_id: PostId
    is_known: bool
    ancestor_hint: tuple[PostId, ...] = ()


RequestDelivery: TypeAlias = Callable[[Sequence[FanOutPost]], Awaitable[None]]
"""Requests deliveries. Returns when the requests are durable."""


class LinkReposts:
    """Finds the originals of reposts whenever they change, and requests the deliveries."""

    def __init__(self, posts: PostStore, reposts: RepostStore) -> None:
        self._posts = posts
        self._reposts = reposts

    async def link(self, created: Iterable[Creation]) -> None:
        """Write the links of reposts to the posts that they name, before anything is read."""
        links = [link for each in created if (link := _link(each)) is not None]
        if links:
            await self._reposts.link(links)

    async def deliver(
        self, created: Sequence[Accepted[Creation]], request: RequestDelivery
    ) -> None:
        """Request the delivery of recorded posts, and of reposts whose original they change."""
        arrived = {PostId(each.message.post_id): each.accepted_at for each in created}
        below = await self._reposts.reposts_of(arrived, None, LINKS_AT_ONCE)
        own = [(_link(each.message), _fan_out_post(each)) for each in created]
        links = [link for link, _ in own if link is not None]
        ends = await self._ends(
            {link.post_id for link in links} | {each.target_id for each in below.requested}
        )
        await self._hint(links, ends)
        await self._request(
            [(link, post._replace(original_id=_original(link, ends))) for link, post in own],
            request,
        )
        await self._request_below(ends, below, max(arrived.values()), request)

    async def _hint(
        self, links: Iterable[RepostLink], ends: Mapping[PostId, ChainEnd | None]
    ) -> None:
        """Write the hints of reposts: the posts that readers need beside the one they name."""
        hints = {
            (link.post_id, link.author_id): (end.post_id, *end.ancestor_hint)[:MAX_ANCESTOR_HINT]
            for link in links
            if (end := ends[link.post_id]) is not None
            and (end.ancestor_hint or end.post_id != link.target_id)
        }
        if hints:
            await self._posts.hint_ancestors(hints)

    async def _request_below(
        self,
        ends: Mapping[PostId, ChainEnd | None],
        below: RepostPage,
        accepted_at: int,
        request: RequestDelivery,
    ) -> None:
        """Request the delivery of all reposts below posts: their chains end where the posts' do."""
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
                    if (original := _original_at(end, each.post_id)) is not None
                    and original not in below.requested[each]
                ],
                request,
            )
            seen.update((each.target_id, end) for each, end in moved)
            waiting += [
                ({each.target_id: end}, each)
                for each, end in _last_of_each_target(moved)
                if each.target_id in below.truncated
            ]
            further = {(each.post_id, end) for each, end in moved} - seen
            while further:  # a post may be below several ends
                waiting.append((dict(further), None))
                further -= waiting[-1][0].items()
            if not waiting:
                return
            above, after = waiting.pop()
            below = await self._reposts.reposts_of(above, after, LINKS_AT_ONCE)
            moved = [(each, above[each.target_id]) for each in below.requested]

    async def _request(
        self,
        deliveries: Sequence[tuple[RepostLink | None, FanOutPost]],
        request: RequestDelivery,
    ) -> None:
        """Write what backfills read, request the deliveries, then mark them as requested.

        The first is durable before the fan-out reads followers. Marked first, a delivery could be
        lost.
        """
        if not deliveries:
            return
        resolved = [
            ResolvedRepost(link, post.original_id)
            for link, post in deliveries
            if link is not None and post.original_id is not None
        ]
        if resolved:
            await self._write(resolved)
        await request([post for _, post in deliveries])
        if resolved:
            await self._reposts.mark_requested(resolved)

    async def _write(self, resolved: Sequence[ResolvedRepost]) -> None:
        """Write reposts for backfills, and into their authors' own homes."""
        await self._reposts.add_author_reposts(resolved)
        rows = [(each.author_id, original, each.post_id) for each, original in resolved]
        authors, originals, reposts = np.array(rows, np.int64).T
        await self._reposts.add_home_reposts(authors, originals, reposts)

    async def _ends(self, posts: Collection[PostId]) -> dict[PostId, ChainEnd | None]:
        known: dict[PostId, Post] = {}
        await load_above(self._posts, known, posts)
        return {each: chain_end(each, known) for each in posts}


def chain_end(post: PostId, known: Mapping[PostId, Post]) -> ChainEnd | None:
    """Return the end of a chain of reposts: no repost, or an unknown post. None for a cycle."""
    seen = {post}
    while (at := known.get(post)) is not None and at.repost_of is not None:
        if at.repost_of in seen:
            return None
        seen.add(at.repost_of)
        post = at.repost_of
    return ChainEnd(post, at is not None, () if at is None else at.ancestor_hint)


def _last_of_each_target(
    moved: Iterable[tuple[RepostLink, ChainEnd]],
) -> Iterable[tuple[RepostLink, ChainEnd]]:
    return {each.target_id: (each, end) for each, end in sorted(moved)}.values()


def _link(created: PostFact) -> RepostLink | None:
    if not isinstance(created, Creation) or created.repost_of is None:
        return None
    return RepostLink(PostId(created.repost_of), PostId(created.post_id), UserId(created.author_id))


def _fan_out_post(created: Accepted[Creation]) -> FanOutPost:
    post = created.message
    return FanOutPost(PostId(post.post_id), UserId(post.author_id), created.accepted_at)


def _original(link: RepostLink | None, ends: Mapping[PostId, ChainEnd | None]) -> PostId | None:
    """Return the original of a post that arrived.

    None for a post that is no repost, or that is none by an earlier claim of its id.
    """
    return None if link is None else _original_at(ends[link.post_id], link.post_id)


def _original_at(end: ChainEnd | None, repost: PostId) -> PostId | None:
    """Return the original of a repost whose chain ends there; None where it has none yet.

    An unknown post counts as an original, since most often it is only late. An unknown post that is
    newer than the repost has to arrive first: its id may be invented, years ahead, and rows are
    kept by its time.
    """
    if end is None or end.post_id == repost or (not end.is_known and end.post_id > repost):
        return None
    return end.post_id
