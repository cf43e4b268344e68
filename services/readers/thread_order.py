"""Which descendants of a post are given, and in what order: pure functions over a tree of ids."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple, TypeAlias

from schemas.ids import PostId

NODES_BELOW_A_REPLY = 400
"""Posts given below each direct reply, in preorder (SEMANTICS 21)."""
LOOK_BELOW = 64
"""Levels in which a living reply keeps a placeholder in its place (SEMANTICS 22)."""

Tree: TypeAlias = Mapping[PostId, Sequence[PostId]]
"""Direct replies by post."""
SortKey: TypeAlias = Callable[[PostId], Any]


class ThreadBounds(NamedTuple):
    """How far down, and how many replies of each post below the direct replies."""

    depth: int
    branches: int


class ThreadPlace(NamedTuple):
    """A post that is given; of its direct replies `truncated` are cut off, `hidden` kept back."""

    post_id: PostId
    depth: int
    truncated: int = 0
    hidden: int = 0


def placed_posts(top: PostId, below: Tree, living: Collection[PostId]) -> set[PostId]:
    """The posts that have a place: the living, and what has a living one close below it."""
    distance: dict[PostId, int] = {}
    for post in reversed(_outward(top, below)):
        nearest = min((distance[child] for child in below.get(post, ())), default=LOOK_BELOW)
        distance[post] = 0 if post in living else nearest + 1
    return {post for post, levels in distance.items() if levels <= LOOK_BELOW}


def lay_out(top: PostId, below: Tree, bounds: ThreadBounds, key: SortKey) -> list[ThreadPlace]:
    """`top` at depth 0 and what is given below it, in preorder."""
    direct = sorted(below.get(top, ()), key=key)
    if not bounds.depth:
        return [ThreadPlace(top, 0, len(direct))]
    places = [ThreadPlace(top, 0, 0)]
    for reply in direct:
        places += _subtree(reply, below, bounds, key)
    return places


def _subtree(top: PostId, below: Tree, bounds: ThreadBounds, key: SortKey) -> Iterator[ThreadPlace]:
    """A direct reply and what is given below it."""
    depths = dict(islice(_preorder(top, below, bounds, key), 1 + NODES_BELOW_A_REPLY))
    for post, depth in depths.items():
        cut = sum(child not in depths for child in below.get(post, ()))
        yield ThreadPlace(post, depth, cut)


def _preorder(
    top: PostId, below: Tree, bounds: ThreadBounds, key: SortKey
) -> Iterator[tuple[PostId, int]]:
    waiting = [(top, 1)]
    while waiting:
        post, depth = waiting.pop()
        yield post, depth
        if depth < bounds.depth:
            replies = sorted(below.get(post, ()), key=key)[: bounds.branches]
            waiting += [(reply, depth + 1) for reply in reversed(replies)]


def _outward(top: PostId, below: Tree) -> list[PostId]:
    """All posts from `top` downwards, parents before their replies."""
    found = [top]
    for post in found:
        found += below.get(post, ())
    return found
