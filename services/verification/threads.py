"""Checks that a post is found where its thread, its author's page, quotes and inboxes are read.

A thread is walked down from its posts by links, which are kept beside the posts. From a post alone
it is known which links it must have; those that it must not have are shown by no reader.
"""

from schemas.ids import PostId
from services.audiences.store import AudienceEntry
from services.handlers.audience_index import AudienceIndex
from services.posts.ancestry import load_above, path_up, root_of
from services.posts.post import Post
from services.readers.reader import Reader
from services.readers.thread_posts import MAX_ORPHANS
from services.retention import Retention
from services.search.store import PostClaim
from services.span import Span
from services.verification.differences import Differences
from services.verification.talks import VerifyTalks

MOST_CLAIMS = 100
"""Claims of one post id that are looked through: nearly every id has one."""


class VerifyThreads:
    """Looks for the links that lead to a post. Changes nothing."""

    def __init__(self, reader: Reader, retention: Retention) -> None:
        self._reader = reader
        self._retention = retention
        self._talks = VerifyTalks(reader, retention)

    async def __call__(self, post: PostId) -> Differences | None:
        """Return the post as missing where a link to it is; None for an unknown post.

        Raises StoreUnavailable.
        """
        known: dict[PostId, Post] = {}
        await load_above(self._reader.stores.posts, known, [post])
        if post not in known:
            return None
        there = (
            await self._is_on_its_page(known[post]),
            await self._is_in_its_home(known[post]),
            await self._is_below(known[post], known),
            await self._is_among_quotes(known[post]),
            await self._is_filed(known[post], known),
            await self._talks.is_found(known[post], known),
        )
        return Differences() if all(there) else Differences(frozenset({(post, None)}))

    async def _is_on_its_page(self, post: Post) -> bool:
        span = Span(above=post.post_id - 1, below=post.post_id + 1)
        pages = await self._reader.stores.author_timelines.author_pages([post.author_id], span, 1)
        return pages.get(post.author_id) == [post.post_id]

    async def _is_in_its_home(self, post: Post) -> bool:
        """Authors have their own posts in their homes, for as long as homes keep them."""
        if post.post_id <= self._retention.floor(self._reader.clock()):
            return True
        homes = await self._reader.stores.home_timelines.pin()
        return await homes.in_home(post.author_id, post.post_id)

    async def _is_among_quotes(self, post: Post) -> bool:
        """Whether it is found where the quotes of what it quotes are read."""
        if post.quote_of is None:
            return True
        span = Span(above=post.post_id - 1, below=post.post_id + 1)
        return bool(await self._reader.stores.quotes.page(post.quote_of, span, 1))

    async def _is_filed(self, post: Post, known: dict[PostId, Post]) -> bool:
        """Whether every listing has it for each audience that it is owed to."""
        stores = self._reader.stores
        claim = PostClaim(post.post_id, post.author_id)
        root = root_of(post, known) if post.parent_id is not None else None
        index = AudienceIndex(stores.audiences, {} if root is None else {claim: root})
        span = Span(above=post.post_id - 1, below=post.post_id + 1)
        for claimed in await stores.posts.load_claims([post.post_id]):
            if claimed.post.author_id != post.author_id:
                continue
            for (kind, listing), audience, *_ in index.owed(claimed).owed_keys():
                found = await stores.audiences.pages(kind, [listing], [audience], span, MOST_CLAIMS)
                if AudienceEntry(*claim) not in found.get(listing, []):
                    return False
        return True

    async def _is_below(self, post: Post, known: dict[PostId, Post]) -> bool:
        """Whether it is below its parent or, while that is unknown, below its claimed root."""
        if post.parent_id is None:
            return True
        conversations = self._reader.stores.conversations
        alone = Span(above=post.post_id - 1, below=post.post_id + 1)
        children = await conversations.children([post.parent_id], 1, alone)
        if post.parent_id not in children:
            return False
        (child,) = children[post.parent_id]
        # A release that kept no authors did not list replies by author, either.
        if child.author_id is not None and not await self._is_by_its_author(post, post.parent_id):
            return False
        path, _ = path_up(post.post_id, known)
        if post.parent_id in known or post.root_claim is None or len(path) < 2:
            return True
        claimed = await conversations.orphans([path[-1]], MAX_ORPHANS)
        return _is_among([each.post_id for each in claimed.get(path[-1], [])], post.post_id)

    async def _is_by_its_author(self, post: Post, parent: PostId) -> bool:
        found = await self._reader.stores.conversations.children_by(
            post.author_id, [parent], 1, PostId(post.post_id - 1)
        )
        return found.get(parent) == [post.post_id]


def _is_among(oldest: list[PostId], post: PostId) -> bool:
    """Whether the post is among the oldest, or too new to be looked for there."""
    return post in oldest or (len(oldest) == MAX_ORPHANS and post > oldest[-1])
