"""A thread as it is read: flat, with depths (SEMANTICS 19 to 22)."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Literal, NamedTuple, TypeAlias

from msgspec.structs import replace

from schemas.ids import PostId, UserId
from services.conversations.lineage import ancestors, load_above, path_up, root_of
from services.conversations.order import LOOK_BELOW, Bounds, Place, Tree, descend, kept
from services.item import ThreadItem, present
from services.posts.post import Post
from services.reading import Reader
from services.visibility.predicate import View, in_audience, readable

Sort: TypeAlias = Literal["conversation", "oldest", "newest"]

MAX_DEPTH = 20
MAX_BRANCHES = 10
MAX_ANCESTORS = 80
MAX_SIBLINGS = 1_000
"""Replies to one post that a reading looks at, the oldest first (SEMANTICS 20)."""
MAX_NODES = 20_000
"""Posts that one reading loads; the deepest levels of a larger thread are cut."""


class Shape(NamedTuple):
    """How a thread is asked for."""

    sort: Sort = "conversation"
    depth: int = MAX_DEPTH
    branches: int = MAX_BRANCHES


DEFAULT_SHAPE = Shape()


class Threads:
    """Reads threads."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._posts = reader.stores.posts
        self._conversations = reader.stores.conversations

    async def read(
        self, post: PostId, viewer: UserId | None, shape: Shape = DEFAULT_SHAPE
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
        view = await self._reader.around(viewer, known)
        if not in_audience(known[post], view):
            return None
        given = _given(known[post], below, view, shape)
        if not given:
            return None
        places = [*_above(known[post], view), *given]
        return [_present(place, view, self._reader.epoch) for place in places]

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
        claims = await self._conversations.claimed([root.post_id], MAX_SIBLINGS)
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


def _given(asked: Post, below: Tree, view: View, shape: Shape) -> list[Place]:
    """The asked post and its descendants that are given; nothing where it has no place itself."""
    living = {post.post_id for post in view.known.values() if _living(post, view)}
    placed = kept(asked.post_id, below, living)
    if asked.post_id not in placed:
        return []
    tree = {post: [each for each in replies if each in placed] for post, replies in below.items()}
    bounds = Bounds(shape.depth, shape.branches)
    return descend(asked.post_id, tree, bounds, _Order(asked, view, shape.sort).key)


def _living(post: Post, view: View) -> bool:
    return not post.deleted and in_audience(post, view)


class _Order:
    """How the replies to one post are ordered (SEMANTICS 20)."""

    def __init__(self, asked: Post, view: View, sort: Sort) -> None:
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
        return (*firsts, post.author_id in self._view.edges, True).index(True)


def _above(asked: Post, view: View) -> Iterator[Place]:
    """The nearest ancestors, topmost first; above an unknown parent, the root it claims."""
    line = list(islice(ancestors(asked, view.known), MAX_ANCESTORS))
    if line and line[-1] not in view.known and len(line) < MAX_ANCESTORS:
        path, cycle = path_up(asked.post_id, view.known)
        if not cycle and path[-1] in view.known:
            line.append(path[-1])
    for distance, post in reversed(list(enumerate(line, 1))):
        yield Place(post, -distance, 0)


def _present(place: Place, view: View, epoch: int) -> ThreadItem:
    post = view.known.get(place.post_id)
    at = ThreadItem(place.post_id, place.depth, truncated=place.truncated)
    if post is None or not in_audience(post, view):
        return replace(at, placeholder="missing")
    if post.deleted:
        return replace(at, placeholder="deleted")
    if not readable(post, view).shown:  # a repost of what the viewer may not see
        return replace(at, placeholder="missing")
    return replace(at, item=present(post, view, epoch))
