"""Loads the posts of a thread: the one asked for, what is above it and what is below."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple, TypeAlias

from schemas.ids import PostId
from services.posts.ancestry import ancestors, load_above, original_of, path_up, root_of
from services.posts.post import Post
from services.relations.store import Pair
from services.stores import Stores

MAX_ANCESTORS = 80
LOOK_BELOW = 64
"""Levels in which a living reply keeps a placeholder in its place (rule 22)."""
MAX_SIBLINGS = 1_000
"""Replies to one post that a reading looks at, the oldest first (rule 20)."""
MAX_NODES = 20_000
"""Posts that one reading loads; the deepest levels of a larger thread are cut."""

Tree: TypeAlias = Mapping[PostId, Sequence[PostId]]
"""Direct replies by post."""


class ThreadPosts(NamedTuple):
    """The posts around `asked`: `above` it, the nearest first, and the replies `below`, by parent.

    The last post above may be unknown, and so may be parents below. `repost` is what was asked
    for where that is a repost: it has no thread of its own, and its original's is read.
    """

    asked: Post
    known: Mapping[PostId, Post]
    above: Sequence[PostId]
    below: Tree
    repost: Post | None = None

    def replies(self) -> Iterator[tuple[Post, Post]]:
        """Each reply with its parent, where both are known."""
        for post in self.known.values():
            if post.parent_id is not None and post.parent_id in self.known:
                yield post, self.known[post.parent_id]

    def author_pairs(self) -> set[Pair]:
        """The (author of a reply, author of its parent)."""
        return {(reply.author_id, parent.author_id) for reply, parent in self.replies()}


async def load_thread(stores: Stores, post: PostId, depth: int) -> ThreadPosts | None:
    """Return what is kept of a thread down to `depth`; None where there is no such post.

    Raises StoreUnavailable.
    """
    known: dict[PostId, Post] = {}
    await load_above(stores.posts, known, [post])
    named = known.get(post)
    asked = None if named is None else original_of(named, known)
    if asked is None:
        return None
    below = await _load_below(stores, asked, known, depth)
    repost = named if named is not asked else None
    return ThreadPosts(asked, known, _above(asked, known), below, repost)


def _above(asked: Post, known: Mapping[PostId, Post]) -> list[PostId]:
    """The nearest ancestors, nearest first; above an unknown parent, the root it claims."""
    nearest = list(islice(ancestors(asked, known), MAX_ANCESTORS))
    if nearest and nearest[-1] not in known and len(nearest) < MAX_ANCESTORS:
        path, cycle = path_up(asked.post_id, known)
        if not cycle and path[-1] in known:
            nearest.append(path[-1])
    return nearest


async def _load_below(
    stores: Stores, asked: Post, known: dict[PostId, Post], depth: int
) -> dict[PostId, list[PostId]]:
    """Replies by parent, level by level; below `depth` only where a placeholder may hang."""
    above = {asked.post_id, *ancestors(asked, known)}
    below = {} if asked.parent_id is not None else await _load_orphans(stores, asked, known)
    level = [asked.post_id, *(child for each in below.values() for child in each)]
    for levels in range(depth + LOOK_BELOW):
        replies = await _load_replies(stores, [each for each in level if each in known], known)
        level = []
        for parent, children in replies.items():
            fresh = [child for child in children if child not in above]
            below[parent] = [*below.get(parent, ()), *fresh]
            level += fresh
        if levels >= depth:
            level = await _placeholders_at_most(stores, [known[each] for each in level])
        if not level or len(known) > MAX_NODES:
            break
    return below


async def _load_replies(
    stores: Stores, parents: Sequence[PostId], known: dict[PostId, Post]
) -> dict[PostId, list[PostId]]:
    """The known replies to each parent, each checked against the post itself."""
    children = await stores.conversations.children(parents, MAX_SIBLINGS)
    fresh = {child for each in children.values() for child in each if child not in known}
    known.update(await stores.posts.load(fresh))
    return {
        parent: [each for each in replies if _is_reply(known.get(each), parent)]
        for parent, replies in children.items()
    }


async def _load_orphans(
    stores: Stores, root: Post, known: dict[PostId, Post]
) -> dict[PostId, list[PostId]]:
    """Replies whose parent is unknown: the parents they name stand below the claimed root."""
    orphans = await stores.conversations.orphans([root.post_id], MAX_SIBLINGS)
    claimed = [link.post_id for link in orphans.get(root.post_id, ())]
    await load_above(stores.posts, known, claimed)
    below: dict[PostId, list[PostId]] = {}
    for reply in (known[each] for each in dict.fromkeys(claimed) if each in known):
        parent = reply.parent_id
        if parent is None or parent in known or reply.repost_of is not None:
            continue
        if root_of(reply, known) == root.post_id:
            below.setdefault(parent, []).append(reply.post_id)
    return below | {root.post_id: list(below)}


def _is_reply(post: Post | None, parent: PostId) -> bool:
    return post is not None and post.parent_id == parent and post.repost_of is None


async def _placeholders_at_most(stores: Stores, posts: Sequence[Post]) -> list[PostId]:
    """Return the posts that may have a place only for what is below them."""
    readable = [post for post in posts if not post.deleted and post.visibility == "public"]
    authors = {post.author_id for post in readable}
    suspended = await stores.relations.suspended(authors) if authors else frozenset()
    shown = {post.post_id for post in readable if post.author_id not in suspended}
    return [post.post_id for post in posts if post.post_id not in shown]
