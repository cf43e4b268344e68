"""Checks that those whom a post speaks to find it, and that its conversation is in inboxes."""

from schemas.ids import MAX_ID, PostId, UserId
from services.handlers.ancestor_lines import answers_owed, known_line, mentions_owed
from services.handlers.inboxes import PUSHED_PARTICIPANTS
from services.inboxes.store import MAX_PULLED, Stage
from services.posts.ancestry import root_of
from services.posts.post import Post
from services.readers.reader import Reader
from services.retention import Retention
from services.span import Span

LOOKED_THROUGH = 1_000
"""Posts of a conversation, and conversations of an inbox, among which one is looked for; what is
older than so many is taken for there."""


class VerifyTalks:
    """Looks for the rows that a post is owed in mentions, answers and inboxes."""

    def __init__(self, reader: Reader, retention: Retention) -> None:
        self._reader = reader
        self._stores = reader.stores
        self._retention = retention

    async def is_found(self, post: Post, known: dict[PostId, Post]) -> bool:
        """Whether all of them are there; `known` has what is above the post.

        Raises StoreUnavailable.
        """
        return (
            await self._is_mentioned(post, known)
            and await self._is_answer(post, known)
            and await self._is_in_inboxes(post, known)
        )

    @property
    def _floor(self) -> int:
        return self._retention.floor(self._reader.clock())

    async def _is_mentioned(self, post: Post, known: dict[PostId, Post]) -> bool:
        if post.post_id <= self._floor:
            return True
        users = {UserId(each) for each in post.mentions if each != post.author_id}
        if post.repost_of is None:
            owed = mentions_owed(post, known_line(post, known), known)
            users |= {each.user_id for each in owed}
        if post.quote_of is not None:
            quoted = await self._stores.posts.load([post.quote_of])
            users |= {each.author_id for each in quoted.values()}
        span = Span(above=post.post_id - 1, below=post.post_id + 1)
        return all([await self._stores.mentions.page(each, span, 1) for each in users])

    async def _is_answer(self, post: Post, known: dict[PostId, Post]) -> bool:
        if post.repost_of is not None:
            return True
        owed = answers_owed(post, known_line(post, known))
        above = [each.ancestor_id for each in owed if each.ancestor_id > self._floor]
        if not above:
            return True
        newest = await self._stores.mentions.newest_answers(post.author_id, above)
        return all(newest.get(each, 0) >= post.post_id for each in above)

    async def _is_in_inboxes(self, post: Post, known: dict[PostId, Post]) -> bool:
        is_reply = post.parent_id is not None and post.repost_of is None
        root = root_of(post, known) if is_reply else None
        if root is None:
            return True
        inboxes = self._stores.inboxes
        last = await inboxes.last_posts(post.author_id, [root])
        newest = (await inboxes.newest([root], LOOKED_THROUGH)).get(root, [])
        is_older = len(newest) == LOOKED_THROUGH and post.post_id < newest[-1].post_id
        is_there = (post.post_id, post.author_id) in {each[1:] for each in newest}
        if last.get(root, 0) < post.post_id or not (is_there or is_older):
            return False
        if post.post_id <= self._floor:
            return True
        users = {post.author_id}
        if newest[0].post_id == post.post_id:
            found = (await inboxes.participants([root], PUSHED_PARTICIPANTS + 1))[root]
            is_pushed = found.stage != Stage.PULLED
            users |= found.last_posts.keys() if is_pushed else set()
        return all([await self._has(each, root, post.post_id) for each in users])

    async def _has(self, user: UserId, root: PostId, post: PostId) -> bool:
        """Whether a user's inbox has a conversation at this post, at a newer one, or pulls it."""
        above, below = PostId(post - 1), PostId(MAX_ID)
        recent = await self._stores.inboxes.recent(user, above, below, LOOKED_THROUGH)
        if root in recent or len(recent) == LOOKED_THROUGH:
            return True
        pulled = await self._stores.inboxes.pulled(user)
        return root in pulled or len(pulled) == MAX_PULLED
