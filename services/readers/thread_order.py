"""Which posts of a thread are given, and in what order: pure functions over a tree of ids."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice, pairwise
from typing import Any, Literal, NamedTuple, TypeAlias

from msgspec.structs import replace

from schemas.ids import PostId
from services.posts.ancestry import root_of
from services.readers.item import ThreadItem
from services.readers.placeholders import ThreadPlaceholders
from services.readers.thread_posts import LOOK_BELOW, ThreadPosts, Tree
from services.visibility.view import View

MAX_DEPTH = 20
MAX_BRANCHES = 10
NODES_BELOW_A_REPLY = 400
"""Posts given below each direct reply, in preorder (rule 21)."""

ThreadSort: TypeAlias = Literal["conversation", "oldest", "newest"]
SortKey: TypeAlias = Callable[[PostId], Any]


class ThreadShape(NamedTuple):
    """How a thread is asked for; `branches` bounds the replies to each post but the asked one."""

    sort: ThreadSort = "conversation"
    depth: int = MAX_DEPTH
    branches: int = MAX_BRANCHES


def arrange_thread(
    thread: ThreadPosts, view: View, placeholders: ThreadPlaceholders, shape: ThreadShape
) -> list[ThreadItem]:
    """Return the places of a thread, with their placeholders but without the items of the others.

    Ancestors come first, from the root, then the post asked for and its descendants in preorder.
    There are none where the viewer has no such thread.
    """
    asked = thread.asked.post_id
    line = [asked, *thread.above]
    if placeholders.by_post[asked] in ("missing", "blocked"):
        return []
    if not placeholders.refused.isdisjoint(line):
        return []
    admitted = {
        post: [each for each in replies if each not in placeholders.refused]
        for post, replies in thread.below.items()
    }
    placed = _placed_posts(asked, admitted, placeholders)
    if asked not in placed:
        return []
    tree: dict[PostId, list[PostId]] = {}
    hidden: dict[PostId, int] = {}
    for post, replies in admitted.items():
        counted = [each for each in replies if each in placed]
        tree[post] = [each for each in counted if not placeholders.is_hidden(each)]
        hidden[post] = len(counted) - len(tree[post])
    key = _sort_key(thread, view, placeholders, shape.sort)
    below = (
        replace(
            place,
            placeholder=placeholders.by_post[place.post_id],
            hidden=hidden.get(place.post_id, 0),
        )
        for place in _lay_out(asked, tree, shape, key)
    )
    return [*_ancestors(line, placeholders), *below]


def _placed_posts(top: PostId, below: Tree, placeholders: ThreadPlaceholders) -> set[PostId]:
    """The posts that have a place: the living, and what has a living one close below it."""
    distance: dict[PostId, int] = {}
    for post in reversed(_outward(top, below)):
        nearest = min((distance[child] for child in below.get(post, ())), default=LOOK_BELOW)
        distance[post] = 0 if placeholders.is_alive(post) else nearest + 1
    return {post for post, levels in distance.items() if levels <= LOOK_BELOW}


def _outward(top: PostId, below: Tree) -> list[PostId]:
    """All posts from `top` downwards, parents before their replies."""
    found = [top]
    for post in found:
        found += below.get(post, ())
    return found


def _sort_key(
    thread: ThreadPosts, view: View, placeholders: ThreadPlaceholders, sort: ThreadSort
) -> SortKey:
    """The order of the replies to one post (rule 20)."""
    root = root_of(thread.asked, thread.known)
    starter = None if root is None or root not in thread.known else thread.known[root].author_id

    def rank(reply: PostId) -> int:
        if placeholders.by_post[reply] == "missing":
            return 3
        author = thread.known[reply].author_id
        return (author == starter, author == view.viewer, view.follows(author), True).index(True)

    def key(reply: PostId) -> tuple[int, int]:
        if sort == "newest":
            return 0, -reply
        return (rank(reply) if sort == "conversation" else 0), reply

    return key


def _ancestors(line: Sequence[PostId], placeholders: ThreadPlaceholders) -> Iterator[ThreadItem]:
    """From the root; a block between an ancestor's author and the one below hides it, too."""
    for distance, (below, post) in reversed(list(enumerate(pairwise(line), 1))):
        is_apart = below in placeholders.apart
        placeholder = "blocked" if is_apart else placeholders.by_post[post]
        yield ThreadItem(post, -distance, placeholder=placeholder)


def _lay_out(top: PostId, below: Tree, shape: ThreadShape, key: SortKey) -> Iterator[ThreadItem]:
    """`top` at depth 0 and what is given below it, in preorder."""
    direct = sorted(below.get(top, ()), key=key)
    yield ThreadItem(top, 0, truncated=0 if shape.depth else len(direct))
    for reply in direct if shape.depth else ():
        depths = dict(islice(_preorder(reply, below, shape, key), 1 + NODES_BELOW_A_REPLY))
        for post, depth in depths.items():
            cut = sum(child not in depths for child in below.get(post, ()))
            yield ThreadItem(post, depth, truncated=cut)


def _preorder(
    top: PostId, below: Tree, shape: ThreadShape, key: SortKey
) -> Iterator[tuple[PostId, int]]:
    waiting = [(top, 1)]
    while waiting:
        post, depth = waiting.pop()
        yield post, depth
        if depth < shape.depth:
            replies = sorted(below.get(post, ()), key=key)[: shape.branches]
            waiting += [(reply, depth + 1) for reply in reversed(replies)]
