"""Replies to a post in their order (rule 20), found before the posts are loaded.

The order is one of sections: by the root's author, by the viewer, by those whom the viewer follows,
by others; each by time. In the other sorts all replies are of the last section.
"""

from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from schemas.ids import MAX_ID, PostId, UserId
from services.conversations.store import Child, ConversationStore
from services.readers.known_thread import KnownThread
from services.readers.reader import rest_of_span
from services.readers.thread_shape import ThreadBounds, ThreadPlace, ThreadShape
from services.span import Span

FOLLOWED: Final = 2
OTHERS: Final = 3
NOBODY_EARLY: Final = PostId(0)


class Candidate(NamedTuple):
    """A possible direct reply; `by_author` says that it is also found by its author."""

    place: ThreadPlace
    by_author: bool = True

    @property
    def post_id(self) -> PostId:
        return self.place.post_id


class Siblings:
    """Finds what may be replies to posts below the one asked for."""

    def __init__(
        self,
        conversations: ConversationStore,
        thread: KnownThread,
        shape: ThreadShape,
        bounds: ThreadBounds,
    ) -> None:
        self._conversations = conversations
        self._thread = thread
        self._bounds = bounds
        self._by_rank = shape.sort == "conversation"
        self._span = Span(newest_first=shape.sort == "newest")
        self.enough = shape.branches + bounds.counted
        """Replies that need to be looked at where all of them are shown."""

    async def below(self, parents: Collection[PostId]) -> dict[PostId, list[PostId]]:
        """Return candidates for each parent, in their order where there are more than `enough`."""
        most = min(self.enough + 1, self._bounds.siblings)
        children = await self._conversations.children(parents, most, self._span)
        found = {parent: [each.post_id for each in some] for parent, some in children.items()}
        wide = [parent for parent, some in found.items() if len(some) == most]
        if not wide:
            return found
        children = await self._conversations.children(wide, self._bounds.siblings, self._span)
        if not self._by_rank:
            return found | {p: [each.post_id for each in some] for p, some in children.items()}
        own = await self._own(wide)
        for parent, some in children.items():
            followed = await followed_among(self._thread, some)
            others = (each.post_id for each in some)
            found[parent] = list(dict.fromkeys((*own.get(parent, ()), *followed, *others)))
        return found

    async def _own(self, parents: Sequence[PostId]) -> dict[PostId, list[PostId]]:
        """Return what the root's author and the viewer wrote below each."""
        own: dict[PostId, list[PostId]] = {}
        for _, author in own_sections(self._thread):
            found = await self._conversations.children_by(
                author, parents, self._bounds.siblings, PostId(0)
            )
            for parent, posts in found.items():
                own.setdefault(parent, []).extend(posts)
        return own


class DirectReplies:
    """Finds what may be direct replies of the post asked for, behind a place.

    Parents that are unknown, below which `orphans` stand, are among them.
    """

    def __init__(  # noqa: PLR0913 - what a thread is read with
        self,
        conversations: ConversationStore,
        thread: KnownThread,
        shape: ThreadShape,
        bounds: ThreadBounds,
        *,
        orphans: Mapping[PostId, object],
        behind: ThreadPlace | None,
    ) -> None:
        self._conversations = conversations
        self._thread = thread
        self._asked = thread.asked.post_id
        self._bounds = bounds
        self._orphans = orphans
        self._by_rank = shape.sort == "conversation"
        self._newest_first = shape.sort == "newest"
        self._behind = behind
        self._early = behind.early if behind and behind.section >= FOLLOWED else NOBODY_EARLY
        self._at_once = shape.limit + bounds.counted + 1
        self._found = self._sections()
        self._ready: list[Candidate] = []
        self.ended = False

    async def take(self, count: int) -> list[Candidate]:
        """Return the next candidates, fewer than `count` only at the end."""
        while len(self._ready) <= count and not self.ended:
            some = await anext(self._found, None)
            self.ended = some is None
            self._ready += some or ()
        taken, self._ready = self._ready[:count], self._ready[count:]
        self.ended = self.ended and not self._ready
        return taken

    def stands(self, candidate: Candidate) -> bool:
        """Whether a candidate, loaded by now, is a direct reply that stands in this place."""
        post = candidate.post_id
        if post in self._orphans and post not in self._thread.posts:
            return True
        if not self._thread.is_reply(post, self._asked):
            return False
        if not self._by_rank:
            return True
        rank = self._thread.rank(post)
        if candidate.place.section != OTHERS:
            return rank == candidate.place.section
        if rank == FOLLOWED:
            return post > self._early
        return rank == OTHERS or not candidate.by_author

    async def _sections(self) -> AsyncIterator[list[Candidate]]:
        begun = self._behind.section if self._behind else 0
        if self._by_rank:
            for section, author in own_sections(self._thread):
                if section >= begun:
                    async for some in self._by(section, author):
                        yield some
            if begun <= FOLLOWED and self._thread.view.viewer is not None:
                yield await self._followed()
        async for some in self._others():
            yield some

    async def _by(self, section: int, author: UserId) -> AsyncIterator[list[Candidate]]:
        above = self._start(section)
        while True:
            found = await self._conversations.children_by(
                author, [self._asked], self._at_once, above
            )
            posts = found.get(self._asked, [])
            yield [self._candidate(section, post) for post in posts]
            if len(posts) < self._at_once:
                return
            above = posts[-1]

    async def _followed(self) -> list[Candidate]:
        """Return replies by followed people among the oldest replies, which `early` ends."""
        below = PostId(self._early + 1) if self._early else MAX_ID
        oldest = await self._children(Span(below=below, newest_first=False), self._bounds.siblings)
        if not self._early:
            whole = len(oldest) < self._bounds.siblings
            self._early = PostId(MAX_ID) if whole else oldest[-1].post_id
        start = self._start(FOLLOWED)
        followed = await followed_among(self._thread, oldest)
        return [self._candidate(FOLLOWED, post) for post in followed if post > start]

    async def _others(self) -> AsyncIterator[list[Candidate]]:
        start = self._start(OTHERS)
        span = Span(newest_first=self._newest_first)
        if start:
            span = rest_of_span(span, start)
        unknown = sorted(self._orphans, reverse=self._newest_first)
        more = True
        while more:
            children = await self._children(span, self._at_once)
            more = len(children) == self._at_once
            rest = rest_of_span(span, children[-1].post_id) if more else span
            authors = {each.post_id: each.author_id is not None for each in children}
            inside = (each for each in unknown if span.above < each < span.below)
            here = (each for each in inside if not (more and rest.above < each < rest.below))
            authors |= dict.fromkeys(here, True)
            posts = sorted(authors, reverse=self._newest_first)
            yield [self._candidate(OTHERS, post, by_author=authors[post]) for post in posts]
            span = rest

    async def _children(self, span: Span, limit: int) -> list[Child]:
        found = await self._conversations.children([self._asked], limit, span)
        return found.get(self._asked, [])

    def _start(self, section: int) -> PostId:
        begun = self._behind
        return begun.post_id if begun and begun.section == section else PostId(0)

    def _candidate(self, section: int, post: PostId, *, by_author: bool = True) -> Candidate:
        return Candidate(ThreadPlace(section, post, self._early), by_author)


def own_sections(thread: KnownThread) -> Iterator[tuple[int, UserId]]:
    """Yield the sections of the root's author and of the viewer, who may be the same."""
    starter, viewer = thread.starter, thread.view.viewer
    if starter is not None:
        yield 0, starter
    if viewer is not None and viewer != starter:
        yield 1, viewer


async def followed_among(thread: KnownThread, replies: Sequence[Child]) -> list[PostId]:
    """Return the replies by people whom the viewer follows. Raises StoreUnavailable."""
    if thread.view.viewer is None:
        return []
    await thread.load(each.post_id for each in replies if each.author_id is None)
    await thread.meet(each.author_id for each in replies if each.author_id is not None)
    return [each.post_id for each in replies if thread.view.follows(_author(thread, each))]


def _author(thread: KnownThread, child: Child) -> UserId:
    if child.author_id is not None or child.post_id not in thread.posts:
        return child.author_id or UserId(0)
    return thread.posts[child.post_id].author_id
