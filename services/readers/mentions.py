"""Mentions: the posts that speak to a viewer (rule 25)."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from functools import partial
from typing import TypeAlias

from schemas.ids import PostId, UserId
from services.posts.ancestry import load_shown, root_of
from services.posts.post import Post
from services.readers.paging import Page, PageRequest, WalkResult, cut_page
from services.readers.reader import Judgement, Reader
from services.retention import Retention
from services.span import Span
from services.visibility.mentions import judge_mention, line_above
from services.visibility.view import View

JudgeFor: TypeAlias = Callable[[UserId, Sequence[PostId]], Awaitable[Judgement]]
"""Decides about some entries for a viewer."""


class MentionsReader:
    """Reads mentions."""

    def __init__(self, reader: Reader, retention: Retention) -> None:
        self.reader = reader
        self._retention = retention

    @property
    def floor(self) -> int:
        """The newest post id that is past its retention."""
        return self._retention.floor(self.reader.clock())

    async def page(self, viewer: UserId, request: PageRequest) -> Page:
        """Return a page of the viewer's mentions. Raises StoreUnavailable."""
        found = await self.walk(viewer, request.span(self.floor), request.limit, self.judge)
        return cut_page(request, found)

    async def walk(self, viewer: UserId, span: Span, limit: int, judge: JudgeFor) -> WalkResult:
        """Collect up to limit + 1 of the viewer's mentions that a judge shows."""

        async def skeleton(span: Span, limit: int) -> Sequence[PostId]:
            return await self.reader.stores.mentions.page(viewer, span, limit)

        return await self.reader.walk_judged(
            skeleton, span, limit, judge=partial(judge, viewer), context="mentions"
        )

    async def judge(
        self, viewer: UserId, entries: Sequence[PostId], *, beside: Collection[PostId] = ()
    ) -> Judgement:
        """Decide which entries speak to the viewer.

        The view also has what decides about the posts `beside` them.
        """
        reader, known = self.reader, dict[PostId, Post]()
        await load_shown(reader.stores.posts, known, [*entries, *beside])
        bare = View(viewer, known)
        posts = [known[each] for each in entries if each in known]
        asked = {above.post_id for post in posts for above in line_above(post, bare)}
        roots = {root for post in posts if (root := root_of(post, known)) is not None}
        view, marks = await asyncio.gather(
            reader.view_loaded(
                viewer,
                known,
                asked.union(entries, beside),
                self._retention,
                muted_threads=False,
            ),
            reader.stores.relations.marks(viewer, roots.union(entries)),
        )
        view = view._replace(marks=marks)
        verdicts = {post.post_id: judge_mention(post, view) for post in posts}
        return Judgement(view, verdicts, {each: () for each in verdicts if verdicts[each].shown})
