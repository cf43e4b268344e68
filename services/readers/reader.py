"""The read path of every listing by post id: skeleton → hydrate → filter → present."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import islice
from typing import Final, NamedTuple, TypeAlias

from schemas.ids import DEFAULT_EPOCH, PostId, UserId
from services.clock import Clock
from services.posts.ancestry import ancestors, load_shown, root_of
from services.posts.post import Post
from services.readers.gates import load_gates
from services.readers.item import Item, present_item
from services.readers.paging import WalkResult
from services.relations.relations import Relations
from services.reposts.window import Window
from services.retention import Retention
from services.span import Span
from services.stores import Stores
from services.visibility.predicate import Verdict
from services.visibility.view import ReadContext, View
from services.visibility.windows import WindowPlaces, place_in_windows, window_of

OVERSCAN = 2
"""Entries looked at for each one of the limit: half of a busy home is replies to strangers."""
UNLIMITED = 2**31
"""More than are ever looked at."""
MAX_REFILLS = 6
"""Rounds spent on a page; they double, so a page looks at 126 times its limit at most, or at 2,545
entries if that is more."""
SMALLEST_REFILL = 2 * (20 * OVERSCAN + 1)
"""Entries looked at by a second round, as if 20 were asked for: a page that ends early tells of a
run of hidden entries, and no `limit` shall find runs that are shorter than others find."""

FOR_EVER: Final = Retention(days=0)

Skeleton: TypeAlias = Callable[[Span, int], Awaitable[Sequence[PostId]]]
"""Returns up to so many ids of a span in its order; fewer mean that there are no more."""
Predicate: TypeAlias = Callable[[Post, View], Verdict]
Judge: TypeAlias = Callable[[Sequence[PostId]], Awaitable["Judgement"]]
"""Decides about some entries of a listing."""
FindReposts: TypeAlias = Callable[[Collection[Window]], Awaitable[Collection[PostId]]]
"""Returns the reposts that may count in a listing, in these windows; there is at least one."""


class Judgement(NamedTuple):
    """Decisions about some posts, as far as they are known.

    `places` has the posts that are shown in a place of their own, each with the reposters named on
    it; a post that a verdict shows and that has no place is folded.
    """

    view: View
    verdicts: Mapping[PostId, Verdict]
    places: WindowPlaces


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads from these stores; `epoch` is the one that post ids are minted with."""

    stores: Stores
    clock: Clock
    epoch: int = DEFAULT_EPOCH

    async def load_view(
        self, viewer: UserId | None, posts: Iterable[PostId], retention: Retention = FOR_EVER
    ) -> View:
        """Load the posts, what is above them, what they show and what decides about them."""
        known: dict[PostId, Post] = {}
        asked = list(posts)
        await load_shown(self.stores.posts, known, asked)
        return await self.view_loaded(viewer, known, asked, retention)

    async def view_loaded(
        self,
        viewer: UserId | None,
        known: Mapping[PostId, Post],
        asked: Iterable[PostId],
        retention: Retention = FOR_EVER,
        *,
        muted_threads: bool = True,
    ) -> View:
        """Load what decides about loaded posts; the `asked` may be shown, and what they quote.

        Where `muted_threads` decide nothing they are left out.
        """
        now = self.clock()
        bare = View(viewer, known, floor=retention.floor(now), now=now * 1_000)
        posts = [known[each] for each in asked if each in known]
        shown = _originals(bare, posts)
        quoted = [each for post in shown if (each := bare.quoted(post)) is not None]
        judged = [*posts, *shown, *quoted, *_originals(bare, quoted)]
        relations, suspended, gates = await asyncio.gather(
            self._load_relations(bare, judged),
            self.stores.relations.suspended({post.author_id for post in judged}),
            load_gates(self.stores.relations, bare, shown),
        )
        replies = shown if muted_threads else []
        muted = await self._load_muted_threads(bare, replies, relations)
        return bare._replace(
            relations=relations, suspended=suspended, gates=gates, muted_threads=muted
        )

    async def _load_muted_threads(
        self, view: View, shown: Sequence[Post], relations: Relations
    ) -> AbstractSet[PostId]:
        """Return which of these replies' roots the viewer muted everywhere; most never did."""
        if view.viewer is None or not shown or not relations.own.mutes_threads:
            return frozenset()
        roots = (root_of(post, view.known) for post in shown if post.parent_id is not None)
        asked = {root for root in roots if root is not None}
        return (await self.stores.relations.marks(view.viewer, asked)).everywhere

    async def with_quotes(self, view: View, posts: Sequence[PostId]) -> View:
        """Return the view of these posts with what they quote; no quotes, no request.

        Raises StoreUnavailable.
        """
        shown = _originals(view, [view.known[each] for each in posts])
        if all(post.quote_of is None for post in shown):
            return view
        known = dict(view.known)
        await load_shown(self.stores.posts, known, posts)
        return await self.view_loaded(view.viewer, known, posts)

    async def _load_relations(self, view: View, posts: Iterable[Post]) -> Relations:
        """How the viewer stands to every author, and to the users that these posts mention."""
        if view.viewer is None:
            return Relations()
        people = {post.author_id for post in view.known.values()}
        people.update(UserId(each) for post in posts for each in post.mentions)
        return await self.stores.relations.about(view.viewer, people)

    async def judge(  # noqa: PLR0913 - what a listing is made of
        self,
        viewer: UserId | None,
        entries: Sequence[PostId],
        shows: Predicate,
        retention: Retention = FOR_EVER,
        reposts: FindReposts | None = None,
        *,
        beside: Collection[PostId] = (),
        levels: int = 0,
    ) -> Judgement:
        """Decide about entries of a listing; with `reposts` it folds them into windows.

        A place depends on all reasons for its window, so these are judged with the entries. The
        view also has what decides about the posts `beside` them, and about so many `levels` of
        ancestors of what the entries show and of these.
        """
        known: dict[PostId, Post] = {}
        await load_shown(self.stores.posts, known, [*entries, *beside])
        reasons = set(entries)
        if reposts is not None:
            windows = _contested_windows(View(viewer, known), entries)
            found = await reposts(windows) if windows else ()
            await load_shown(self.stores.posts, known, found)
            reasons.update(found, (each.original_id for each in windows))
        asked = reasons.union(beside, _near_above(View(viewer, known), [*entries, *beside], levels))
        view = await self.view_loaded(viewer, known, asked, retention)
        posts = [known[each] for each in reasons if each in known]
        verdicts = {post.post_id: shows(post, view) for post in posts}
        shown = [post for post in posts if verdicts[post.post_id].shown]
        return Judgement(
            view,
            verdicts,
            place_in_windows(shown, view) if reposts else {each.post_id: () for each in shown},
        )

    async def walk(  # noqa: PLR0913 - what a listing is made of
        self,
        skeleton: Skeleton,
        span: Span,
        limit: int,
        *,
        viewer: UserId | None,
        shows: Predicate,
        retention: Retention = FOR_EVER,
        context: ReadContext = "page",
        reposts: FindReposts | None = None,
        first_batch: int = UNLIMITED,
    ) -> WalkResult:
        """Collect up to limit + 1 shown items of a listing, with these rules."""

        async def judge(entries: Sequence[PostId]) -> Judgement:
            return await self.judge(viewer, entries, shows, retention, reposts)

        return await self.walk_judged(
            skeleton, span, limit, judge=judge, context=context, first_batch=first_batch
        )

    async def walk_judged(  # noqa: PLR0913 - what a listing is made of
        self,
        skeleton: Skeleton,
        span: Span,
        limit: int,
        *,
        judge: Judge,
        context: ReadContext = "page",
        first_batch: int = UNLIMITED,
    ) -> WalkResult:
        """Collect up to limit + 1 shown items, reading on where hidden entries leave it short.

        The `first_batch` entries may well suffice: they are judged first, the others only where
        they are needed.
        """
        items: list[Item] = []
        wanted, looked_at = limit * OVERSCAN + 1, 0
        for _ in range(MAX_REFILLS):
            entries = await skeleton(span, wanted)
            for some in (entries[:first_batch], entries[first_batch:]):
                if not some:
                    continue
                judged = await judge(some)
                shown = [place for place, each in enumerate(some) if each in judged.places]
                taken = shown[: limit + 1 - len(items)]
                items += [self.present(some[each], judged, context) for each in taken]
                if len(items) > limit:
                    return WalkResult(items, None, looked_at + taken[-1] + 1)
                looked_at += len(some)
            if len(entries) < wanted:
                return WalkResult(items, None, looked_at)
            span, first_batch = rest_of_span(span, entries[-1]), UNLIMITED
            wanted = max(2 * wanted, SMALLEST_REFILL)
        return WalkResult(items, entries[-1], looked_at)

    def present(self, post: PostId, judged: Judgement, context: ReadContext) -> Item:
        """Return the item of an entry that has a place."""
        return present_item(
            judged.view.known[post],
            judged.view,
            self.epoch,
            kind=judged.verdicts[post].kind,
            context=context,
            reposters=judged.places[post],
            why=judged.verdicts[post].why,
        )


def _originals(view: View, posts: Iterable[Post]) -> list[Post]:
    return [original for post in posts if (original := view.original(post)) is not None]


def _near_above(view: View, posts: Iterable[PostId], levels: int) -> set[PostId]:
    """Return the nearest so many ancestors of what these posts show."""
    shown = _originals(view, [view.known[each] for each in posts if each in view.known])
    return {above for post in shown for above in islice(ancestors(post, view.known), levels)}


def _contested_windows(view: View, entries: Iterable[PostId]) -> set[Window]:
    """The windows where other reasons may decide: all but those of the viewer's own posts."""
    posts = [view.known[each] for each in entries if each in view.known]
    return {
        found
        for post in posts
        if (found := window_of(post, view)) is not None
        and view.known[found.original_id].author_id != view.viewer
    }


def rest_of_span(span: Span, place: PostId) -> Span:
    """Return the part of a span that lies behind a place, in the span's order."""
    return span._replace(below=place) if span.newest_first else span._replace(above=place)
