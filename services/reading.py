"""The read path of every listing by post id: skeleton → hydrate → filter → present."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from schemas.ids import DEFAULT_EPOCH, PostId, UserId
from services.conversations.lineage import load_above
from services.item import Item, present
from services.listing import Found
from services.posts.post import Post
from services.relations.relations import Edge
from services.stores import Stores
from services.timelines.store import Span
from services.visibility.predicate import Verdict, View

OVERSCAN = 2
"""Entries looked at for each one asked for: about half of a busy home is replies to strangers."""
MAX_REFILLS = 6
"""Rounds spent on a page; they double, so a page looks at 64 times its limit at most."""

Skeleton: TypeAlias = Callable[[Span, int], Awaitable[Sequence[PostId]]]
"""Up to so many ids of a span in its order; fewer mean that there are no more."""
Predicate: TypeAlias = Callable[[Post, View], Verdict]


class Reader(NamedTuple):
    """Reads with these stores; `epoch` is the one post ids are minted with."""

    stores: Stores
    epoch: int = DEFAULT_EPOCH

    async def view(self, viewer: UserId | None, posts: Iterable[PostId], floor: int = 0) -> View:
        """Hydrates: the posts, what is above them and what they repost, the viewer's edges."""
        known: dict[PostId, Post] = {}
        await load_above(self.stores.posts, known, posts)
        return await self.around(viewer, known, floor)

    async def around(
        self, viewer: UserId | None, known: Mapping[PostId, Post], floor: int = 0
    ) -> View:
        """The view of a viewer on loaded posts, with his edges to their authors."""
        edges: dict[UserId, Edge] = {}
        if viewer is not None and known:
            authors = {post.author_id for post in known.values()}
            edges = (await self.stores.relations.about(viewer, authors)).edges
        return View(viewer, known, edges, floor)

    async def walk(  # noqa: PLR0913 - what a listing is made of
        self,
        skeleton: Skeleton,
        span: Span,
        limit: int,
        *,
        viewer: UserId | None,
        shows: Predicate,
        floor: int = 0,
        why: bool = False,
    ) -> Found:
        """Collects up to limit + 1 shown items, refilling what hidden entries leave short."""
        items: list[Item] = []
        wanted = limit * OVERSCAN + 1
        for _ in range(MAX_REFILLS):
            entries = await skeleton(span, wanted)
            view = await self.view(viewer, entries, floor)
            posts = [view.known[each] for each in entries if each in view.known]
            shown = [post for post in posts if shows(post, view).shown]
            room = limit + 1 - len(items)
            items += [present(post, view, self.epoch, why=why) for post in shown[:room]]
            if len(items) > limit or len(entries) < wanted:
                return Found(items, None)
            span = beyond(span, entries[-1])
            wanted *= 2
        return Found(items, entries[-1])


def beyond(span: Span, place: PostId) -> Span:
    """The part of a span that lies behind a place, in the span's order."""
    return span._replace(below=place) if span.newest_first else span._replace(above=place)
