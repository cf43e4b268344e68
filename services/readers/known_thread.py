"""What is known of a thread: its posts, which of them are shown, and what stands for the others.

Rules 6, 7 and 21 to 23. A thread is loaded level by level, so knowledge of it grows.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet

from msgspec.structs import replace

from schemas.ids import PostId, UserId
from services.posts.ancestry import root_of
from services.posts.post import Post
from services.readers.gates import load_gates
from services.readers.reader import Reader
from services.relations.store import Pair
from services.visibility.replies import is_against_gate
from services.visibility.standing import Placeholder, placeholder_of
from services.visibility.view import ReadContext, View


class KnownThread:
    """The posts loaded for one reading, and the decisions about them, once for each.

    `placeholders` has every known post; None stands for one that is shown. The gate of the root
    keeps the `refused` out of the thread. `apart` are shown replies to a shown post whose author
    has a block with theirs.
    """

    def __init__(self, reader: Reader, viewer: UserId | None, asked: Post) -> None:
        self._stores = reader.stores
        self.asked = asked
        self.posts: dict[PostId, Post] = {}
        self.view = View(viewer, self.posts, now=reader.clock() * 1_000)
        self.placeholders: dict[PostId, Placeholder | None] = {}
        self.refused: set[PostId] = set()
        self.apart: set[PostId] = set()
        self.starter: UserId | None = None
        self._gated = False
        self._met: set[UserId] = set()
        self._authors: set[UserId] = set()
        self._blocked: dict[Pair, bool] = {}

    async def begin(self, above: Mapping[PostId, Post]) -> None:
        """Take in the post asked for and what is above it."""
        self.posts.update(above)
        root = root_of(self.asked, self.posts)
        starts = None if root is None else self.posts.get(root)
        self.starter = None if starts is None else starts.author_id
        self._gated = starts is not None and starts.reply_gate is not None
        await self._decide(list(above.values()))

    async def load(self, posts: Iterable[PostId]) -> None:
        """Load those that are not known yet. Raises StoreUnavailable."""
        await self.take_in(await self._stores.posts.load(self.unknown(posts)))

    async def take_in(self, fresh: Mapping[PostId, Post]) -> None:
        """Decide about posts that were loaded. Raises StoreUnavailable."""
        fresh = {each: post for each, post in fresh.items() if each not in self.posts}
        self.posts.update(fresh)
        await self._decide(list(fresh.values()))

    async def meet(self, people: Iterable[UserId]) -> None:
        """Load how the viewer stands to people. Raises StoreUnavailable."""
        strangers = set(people) - self._met
        self._met |= strangers
        if self.view.viewer is None or not strangers:
            return
        met = await self._stores.relations.about(self.view.viewer, strangers)
        between = {**self.view.relations.between, **met.between}
        self.view = self.view._replace(relations=replace(met, between=between))

    def unknown(self, posts: Iterable[PostId]) -> list[PostId]:
        return [each for each in dict.fromkeys(posts) if each not in self.posts]

    def is_reply(self, post: PostId, parent: PostId) -> bool:
        """Whether a post is a reply to `parent` that the gate admits."""
        known = self.posts.get(post)
        if known is None or known.parent_id != parent or known.repost_of is not None:
            return False
        return post not in self.refused

    def placeholder(self, post: PostId) -> Placeholder | None:
        return self.placeholders.get(post, "missing")

    def is_alive(self, post: PostId) -> bool:
        """Whether the post, shown or not, keeps the placeholders above it in their places."""
        return self.placeholder(post) not in ("missing", "deleted")

    def is_hidden(self, reply: PostId) -> bool:
        """Whether a reply that has a place is only counted, with all below it."""
        return self.placeholder(reply) in ("blocked", "muted") or reply in self.apart

    def rank(self, reply: PostId) -> int:
        """The section of the order that its author puts a reply into (rule 20)."""
        if self.placeholder(reply) == "missing":
            return 3
        author, view = self.posts[reply].author_id, self.view
        sections = (author == self.starter, author == view.viewer, view.follows(author), True)
        return sections.index(True)

    async def _decide(self, fresh: Collection[Post]) -> None:
        if not fresh:
            return
        authors = {post.author_id for post in fresh}
        mentioned = {UserId(each) for post in fresh for each in post.mentions}
        pairs = self._author_pairs(fresh)
        gates, *_ = await asyncio.gather(
            load_gates(self._stores.relations, self.view, fresh if self._gated else ()),
            self.meet(authors | mentioned),
            self._learn_suspended(authors - self._authors),
            self._learn_blocked(set(pairs.values()) - self._blocked.keys()),
        )
        self.view = self.view._replace(gates=gates)
        for post in fresh:
            context: ReadContext = "page" if post is self.asked else "threads"  # asked: no mutes
            self.placeholders[post.post_id] = placeholder_of(post, self.view, context)
        if self._gated:
            self.refused |= {each.post_id for each in fresh if is_against_gate(each, self.view)}
        self.apart |= {
            reply
            for reply, pair in pairs.items()
            if self._blocked[pair] and self._are_shown(reply, self.posts[reply].parent_id)
        }

    async def _learn_suspended(self, authors: AbstractSet[UserId]) -> None:
        if authors:
            suspended = await self._stores.relations.suspended(authors)
            self._authors |= authors
            self.view = self.view._replace(suspended={*self.view.suspended, *suspended})

    async def _learn_blocked(self, pairs: AbstractSet[Pair]) -> None:
        if pairs:
            blocked = await self._stores.relations.blocked_pairs(pairs)
            self._blocked |= {pair: pair in blocked for pair in pairs}

    def _author_pairs(self, replies: Iterable[Post]) -> dict[PostId, Pair]:
        """Return the (author, author of its parent) of each reply to a known post."""
        return {
            post.post_id: (post.author_id, self.posts[post.parent_id].author_id)
            for post in replies
            if post.parent_id is not None and post.parent_id in self.posts
        }

    def _are_shown(self, *posts: PostId | None) -> bool:
        return all(post is not None and self.placeholder(post) is None for post in posts)
