"""The read path of every listing by post id: skeleton → hydrate → filter → present."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

from schemas.ids import DEFAULT_EPOCH, PostId, UserId
from schemas.relations import Context
from services.conversations.lineage import load_above
from services.item import Item, present
from services.listing import Found
from services.posts.post import Post
from services.relations.relations import Relations
from services.stores import Stores
from services.timelines.retention import Clock, Retention
from services.timelines.store import Span
from services.visibility.gates import load_gates
from services.visibility.predicate import Verdict
from services.visibility.view import View

OVERSCAN = 2
"""Entries looked at for each one asked for: about half of a busy home is replies to strangers."""
MAX_REFILLS = 6
"""Rounds spent on a page; they double, so a page looks at 64 times its limit at most."""

FOR_EVER: Final = Retention(days=0)

Skeleton: TypeAlias = Callable[[Span, int], Awaitable[Sequence[PostId]]]
"""Up to so many ids of a span in its order; fewer mean that there are no more."""
Predicate: TypeAlias = Callable[[Post, View], Verdict]


class Reader(NamedTuple):
    """Reads with these stores; `epoch` is the one post ids are minted with."""

    stores: Stores
    clock: Clock
    epoch: int = DEFAULT_EPOCH

    async def view(
        self, viewer: UserId | None, posts: Iterable[PostId], retention: Retention = FOR_EVER
    ) -> View:
        """Hydrates: the posts, what is above them and what they repost, what decides on them."""
        known: dict[PostId, Post] = {}
        asked = list(posts)
        await load_above(self.stores.posts, known, asked)
        return await self.around(viewer, known, asked, retention)

    async def around(
        self,
        viewer: UserId | None,
        known: Mapping[PostId, Post],
        asked: Iterable[PostId],
        retention: Retention = FOR_EVER,
    ) -> View:
        """The view of a viewer on loaded posts, of which `asked` may be shown."""
        now = self.clock()
        bare = View(viewer, known, floor=retention.floor(now), now=now * 1_000)
        posts = [known[each] for each in asked if each in known]
        shown = [original for post in posts if (original := bare.original(post)) is not None]
        relations, suspended, gates = await asyncio.gather(
            self._relations(bare, [*posts, *shown]),
            self.stores.relations.suspended({post.author_id for post in (*posts, *shown)}),
            load_gates(self.stores.relations, bare, shown),
        )
        return bare._replace(relations=relations, suspended=suspended, gates=gates)

    async def _relations(self, view: View, posts: Iterable[Post]) -> Relations:
        """How the viewer stands to every author, and to those whom these posts mention."""
        if view.viewer is None:
            return Relations()
        people = {post.author_id for post in view.known.values()}
        people.update(UserId(each) for post in posts for each in post.mentions)
        return await self.stores.relations.about(view.viewer, people)

    async def walk(  # noqa: PLR0913 - what a listing is made of
        self,
        skeleton: Skeleton,
        span: Span,
        limit: int,
        *,
        viewer: UserId | None,
        shows: Predicate,
        retention: Retention = FOR_EVER,
        context: Context | None = None,
    ) -> Found:
        """Collects up to limit + 1 shown items, refilling what hidden entries leave short."""
        items: list[Item] = []
        wanted = limit * OVERSCAN + 1
        for _ in range(MAX_REFILLS):
            entries = await skeleton(span, wanted)
            view = await self.view(viewer, entries, retention)
            posts = [view.known[each] for each in entries if each in view.known]
            judged = [(post, shows(post, view)) for post in posts]
            shown = [(post, verdict.kind) for post, verdict in judged if verdict.shown]
            room = limit + 1 - len(items)
            items += [
                present(post, view, self.epoch, kind=kind, context=context)
                for post, kind in shown[:room]
            ]
            if len(items) > limit or len(entries) < wanted:
                return Found(items, None)
            span = beyond(span, entries[-1])
            wanted *= 2
        return Found(items, entries[-1])


def beyond(span: Span, place: PostId) -> Span:
    """The part of a span that lies behind a place, in the span's order."""
    return span._replace(below=place) if span.newest_first else span._replace(above=place)
