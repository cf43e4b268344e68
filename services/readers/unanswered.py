"""Unanswered: the posts that name or answer a viewer and wait for their answer (rule 26)."""

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from schemas.ids import PostId, UserId
from services.posts.ancestry import load_above, root_of
from services.posts.post import Post
from services.readers.gates import load_gates
from services.readers.mentions import MentionsReader
from services.readers.paging import Page, PageRequest, cut_page
from services.readers.reader import Judgement
from services.visibility.mentions import is_answer, judge_unanswered
from services.visibility.view import Gates, View

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
        """Decide which entries wait for the viewer's answer; mostly the newest answer decides."""
        newest = await self._stores.mentions.newest_answers(viewer, entries)
        judged = await self._mentions.judge(viewer, entries, beside=set(newest.values()))
        view = judged.view
        answered = _answered({each: [post] for each, post in newest.items()}, view)
        doubtful = [each for each in judged.places if each in newest and each not in answered]
        if doubtful and viewer not in view.suspended:
            answered |= await self._answered_before(viewer, doubtful, newest, view)
        verdicts = {
            post: judge_unanswered(post, verdict, view, answered)
            for post, verdict in judged.verdicts.items()
        }
        shown = {post: () for post in judged.places if verdicts[post].shown}
        return Judgement(view, verdicts, shown)

    async def _answered_before(
        self,
        viewer: UserId,
        posts: Collection[PostId],
        newest: Mapping[PostId, PostId],
        view: View,
    ) -> set[PostId]:
        """Return which posts the viewer answered before their newest post below them."""
        below = await self._stores.mentions.answers(viewer, posts, MAX_ANSWERS)
        known = dict(view.known)
        found = dict.fromkeys(post for some in below.values() for post in some)
        await load_above(self._stores.posts, known, found)
        view = view._replace(known=known)
        last = [known[each] for each in newest.values() if each in known]
        decided = {root_of(each, known) for each in last if _is_reply_by(viewer, each)}
        others = [known[each] for each in found if each in known]
        # What the gate of a root says of the viewer is the same for all that they wrote there.
        further = [post for post in others if root_of(post, known) not in decided]
        gates = await load_gates(self._stores.relations, view, further)
        merged = Gates(view.gates.follows | gates.follows, view.gates.listed | gates.listed)
        return _answered(below, view._replace(gates=merged))


def _is_reply_by(viewer: UserId, post: Post) -> bool:
    return post.author_id == viewer and post.parent_id is not None and post.repost_of is None


def _answered(below: Mapping[PostId, Sequence[PostId]], view: View) -> set[PostId]:
    """Return the posts with an answer among these posts below them."""
    known = view.known
    return {
        asked
        for asked, posts in below.items()
        if any(post in known and is_answer(known[post], asked, view) for post in posts)
    }
