"""A thread as it is read: flat, with depths (SEMANTICS 19 to 22)."""

import asyncio
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Literal, NamedTuple, TypeAlias

from msgspec.structs import replace

from schemas.ids import PostId, UserId
from services.posts.ancestry import ancestors, load_above, path_up, root_of
from services.posts.post import Post
from services.readers.item import ThreadItem, present_item
from services.readers.placeholders import ThreadPlaceholders
from services.readers.reader import Reader
from services.readers.thread_order import (
    LOOK_BELOW,
    ThreadBounds,
    ThreadPlace,
    Tree,
    lay_out,
    placed_posts,
)
from services.visibility.predicate import in_audience
from services.visibility.view import View

ThreadSort: TypeAlias = Literal["conversation", "oldest", "newest"]

MAX_DEPTH = 20
MAX_BRANCHES = 10
MAX_ANCESTORS = 80
MAX_SIBLINGS = 1_000
"""Replies to one post that a reading looks at, the oldest first (SEMANTICS 20)."""
MAX_NODES = 20_000
"""Posts that one reading loads; the deepest levels of a larger thread are cut."""


class ThreadShape(NamedTuple):
    """How a thread is asked for."""

    sort: ThreadSort = "conversation"
    depth: int = MAX_DEPTH
    branches: int = MAX_BRANCHES


DEFAULT_SHAPE = ThreadShape()


class Threads:
    """Reads threads."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._posts = reader.stores.posts
        self._conversations = reader.stores.conversations

    async def read(
        self, post: PostId, viewer: UserId | None, shape: ThreadShape = DEFAULT_SHAPE
    ) -> list[ThreadItem] | None:
        """The thread of a post: ancestors from the root, the post, its descendants.

        None where there is no such post for this viewer: unknown, not for his eyes, or deleted
        with no living reply below. Raises StoreUnavailable.
        """
        known: dict[PostId, Post] = {}
        await load_above(self._posts, known, [post])
        if post not in known or known[post].repost_of is not None:
            return None
        below = await self._load_below(known[post], known, shape.depth)
        sight = await self._sight(known[post], viewer, known)
        line = _line(known[post], sight.view)
        if not _is_open([post, *line], sight):
            return None
        given = _given(known[post], below, sight, shape)
        if not given:
            return None
        above = [
            ThreadPlace(each, -distance) for distance, each in reversed(list(enumerate(line, 1)))
        ]
        nearer = dict(zip(line, [post, *line], strict=False))
        return [
            _present(place, sight, nearer.get(place.post_id), self._reader.epoch)
            for place in (*above, *given)
        ]

    async def _sight(
        self, asked: Post, viewer: UserId | None, known: Mapping[PostId, Post]
    ) -> ThreadPlaceholders:
        pairs = {
            (post.author_id, known[post.parent_id].author_id)
            for post in known.values()
            if post.parent_id is not None and post.parent_id in known
        }
        view, apart = await asyncio.gather(
            self._reader.view_loaded(viewer, known, known),
            self._reader.stores.relations.blocked_pairs(pairs),
        )
        return ThreadPlaceholders(asked.post_id, view, apart)

    async def _load_below(
        self, asked: Post, known: dict[PostId, Post], depth: int
    ) -> dict[PostId, list[PostId]]:
        """Replies by parent, level by level; below `depth` only where a placeholder may hang."""
        above = {asked.post_id, *ancestors(asked, known)}
        below = {} if asked.parent_id is not None else await self._load_claimed(asked, known)
        level = [asked.post_id, *(child for each in below.values() for child in each)]
        for levels in range(depth + LOOK_BELOW):
            replies = await self._load_replies([each for each in level if each in known], known)
            level = []
            for parent, children in replies.items():
                fresh = [child for child in children if child not in above]
                below[parent] = [*below.get(parent, ()), *fresh]
                level += [each for each in fresh if levels < depth or _may_hang(known[each])]
            if not level or len(known) > MAX_NODES:
                break
        return below

    async def _load_replies(
        self, parents: Sequence[PostId], known: dict[PostId, Post]
    ) -> dict[PostId, list[PostId]]:
        """The known replies to each parent, each checked against the post itself."""
        children = await self._conversations.children(parents, MAX_SIBLINGS)
        fresh = {child for each in children.values() for child in each if child not in known}
        known.update(await self._posts.load(fresh))
        return {
            parent: [each for each in replies if _answers(known.get(each), parent)]
            for parent, replies in children.items()
        }

    async def _load_claimed(
        self, root: Post, known: dict[PostId, Post]
    ) -> dict[PostId, list[PostId]]:
        """Replies whose parent is unknown: the parents they name stand below the claimed root."""
        claims = await self._conversations.orphans([root.post_id], MAX_SIBLINGS)
        claimed = [link.post_id for link in claims.get(root.post_id, ())]
        await load_above(self._posts, known, claimed)
        below: dict[PostId, list[PostId]] = {}
        for reply in (known[each] for each in dict.fromkeys(claimed) if each in known):
            parent = reply.parent_id
            if parent is None or parent in known or reply.repost_of is not None:
                continue
            if root_of(reply, known) == root.post_id:
                below.setdefault(parent, []).append(reply.post_id)
        return below | {root.post_id: list(below)}


def _answers(post: Post | None, parent: PostId) -> bool:
    return post is not None and post.parent_id == parent and post.repost_of is None


def _may_hang(post: Post) -> bool:
    """Whether the post may have a place only for what is below it."""
    return post.deleted or post.visibility != "public"


def _is_open(line: Sequence[PostId], sight: ThreadPlaceholders) -> bool:
    """Whether the first of a line upwards has a thread for this viewer."""
    if sight.placeholder(line[0]) in ("missing", "blocked"):
        return False
    return all(map(sight.admitted, line))


def _given(
    asked: Post, below: Tree, sight: ThreadPlaceholders, shape: ThreadShape
) -> list[ThreadPlace]:
    """The asked post and its descendants that are given; nothing where it has no place itself."""
    open_to = {post: [*filter(sight.admitted, replies)] for post, replies in below.items()}
    living = {post for post in sight.view.known if sight.unseen(post) is None}
    placed = placed_posts(asked.post_id, open_to, living)
    if asked.post_id not in placed:
        return []
    tree: dict[PostId, list[PostId]] = {}
    hidden: dict[PostId, int] = {}
    for post, replies in open_to.items():
        counted = [each for each in replies if each in placed]
        tree[post] = [each for each in counted if not sight.hides(each, post)]
        hidden[post] = len(counted) - len(tree[post])
    bounds = ThreadBounds(shape.depth, shape.branches)
    places = lay_out(asked.post_id, tree, bounds, _Order(asked, sight.view, shape.sort).key)
    return [place._replace(hidden=hidden.get(place.post_id, 0)) for place in places]


class _Order:
    """How the replies to one post are ordered (SEMANTICS 20)."""

    def __init__(self, asked: Post, view: View, sort: ThreadSort) -> None:
        root = root_of(asked, view.known)
        known = None if root is None else view.known.get(root)
        self._root_author = None if known is None else known.author_id
        self._view = view
        self._sort = sort

    def key(self, reply: PostId) -> tuple[int, int]:
        if self._sort == "newest":
            return 0, -reply
        return (self._rank(reply) if self._sort == "conversation" else 0), reply

    def _rank(self, reply: PostId) -> int:
        post = self._view.known.get(reply)
        if post is None or not in_audience(post, self._view):
            return 3
        firsts = (post.author_id == self._root_author, post.author_id == self._view.viewer)
        return (*firsts, self._view.follows(post.author_id), True).index(True)


def _line(asked: Post, view: View) -> list[PostId]:
    """The nearest ancestors, nearest first; above an unknown parent, the root it claims."""
    line = list(islice(ancestors(asked, view.known), MAX_ANCESTORS))
    if line and line[-1] not in view.known and len(line) < MAX_ANCESTORS:
        path, cycle = path_up(asked.post_id, view.known)
        if not cycle and path[-1] in view.known:
            line.append(path[-1])
    return line


def _present(
    place: ThreadPlace, sight: ThreadPlaceholders, below: PostId | None, epoch: int
) -> ThreadItem:
    """`below` is what stands below an ancestor: a block between their authors hides it too."""
    at = ThreadItem(place.post_id, place.depth, truncated=place.truncated, hidden=place.hidden)
    placeholder = sight.placeholder(place.post_id)
    if below is not None and sight.keeps_apart(below, place.post_id):
        placeholder = "blocked"
    if placeholder is not None:
        return replace(at, placeholder=placeholder)
    shown = present_item(sight.view.known[place.post_id], sight.view, epoch, context="threads")
    return replace(at, item=shown)
