"""Unanswered: the posts that name or answer a viewer and wait for their answer (rule 26)."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from schemas.ids import PostId, UserId
from services.posts.ancestry import load_above
from services.readers.gates import load_gates
from services.readers.mentions import MentionsReader
from services.readers.paging import Page, PageRequest, cut_page
from services.readers.reader import Judgement
from services.visibility.mentions import is_answer, judge_unanswered
from services.visibility.view import View

AnswerSort = Literal["newest", "oldest"]
MAX_ANSWERS = 1_000
"""Posts of the viewer that are looked at for the posts of a page under which the newest is deleted,
or is no answer for another reason."""


class Unanswered:
    """Reads what waits for an answer."""

    def __init__(self, mentions: MentionsReader) -> None:
        self._mentions = mentions
        self._stores = mentions.reader.stores

    async def page(self, viewer: UserId, request: PageRequest, sort: AnswerSort = "newest") -> Page:
        """Return a page of what waits for the viewer's answer. Raises StoreUnavailable."""
        floor = self._mentions.floor
        span = request.span(floor) if sort == "newest" else request.span_oldest_first(floor)
        found = await self._mentions.walk(viewer, span, request.limit, self.judge)
        return cut_page(request, found)

    async def judge(self, viewer: UserId, entries: Sequence[PostId]) -> Judgement:
        """Decide which entries wait for the viewer's answer."""
        judged = await self._mentions.judge(viewer, entries)
        answered = await self._load_answered(viewer, list(judged.places), judged.view)
        verdicts = {
            post: judge_unanswered(post, verdict, judged.view, answered)
            for post, verdict in judged.verdicts.items()
        }
        shown = {post: () for post in judged.places if verdicts[post].shown}
        return Judgement(judged.view, verdicts, shown)

    async def _load_answered(
        self, viewer: UserId, posts: Collection[PostId], view: View
    ) -> set[PostId]:
        """Return which of the posts the viewer answered; mostly the newest answer decides."""
        if not posts:
            return set()
        newest, suspended = await asyncio.gather(
            self._stores.mentions.newest_answers(viewer, posts),
            self._stores.relations.suspended({viewer}),
        )
        if suspended:
            return set()
        answered = await self._check({each: [post] for each, post in newest.items()}, view)
        doubtful = newest.keys() - answered
        if doubtful:
            below = await self._stores.mentions.answers(viewer, doubtful, MAX_ANSWERS)
            answered |= await self._check(below, view)
        return answered

    async def _check(self, below: Mapping[PostId, Sequence[PostId]], view: View) -> set[PostId]:
        """Return the posts with an answer among these posts below them."""
        found = dict.fromkeys(post for posts in below.values() for post in posts)
        known = dict(view.known)
        await load_above(self._stores.posts, known, found)
        view = view._replace(known=known)
        loaded = [known[post] for post in found if post in known]
        view = view._replace(gates=await load_gates(self._stores.relations, view, loaded))
        return {
            asked
            for asked, posts in below.items()
            if any(post in known and is_answer(known[post], asked, view) for post in posts)
        }
