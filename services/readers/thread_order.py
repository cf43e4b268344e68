"""Which posts of a thread are given, and in what order: pure functions over a tree of ids."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, pairwise
from typing import NamedTuple, TypeAlias

from schemas.ids import PostId
from services.readers.item import ThreadItem
from services.readers.known_thread import KnownThread
from services.readers.thread_shape import ThreadBounds, ThreadShape

Tree: TypeAlias = Mapping[PostId, Sequence[PostId]]
"""Direct replies by post, in their order."""


class GivenReplies(NamedTuple):
    """The replies to a post that may be given, and how many others are counted."""

    given: Sequence[PostId]
    more: int
    hidden: int


class ThreadOrder:
    """Arranges the posts of a thread that are loaded, `below` each other."""

    def __init__(
        self, thread: KnownThread, below: Tree, shape: ThreadShape, bounds: ThreadBounds
    ) -> None:
        self._thread = thread
        self._below = below
        self._shape = shape
        self._bounds = bounds
        self.placed = self._placed_posts(thread.asked.post_id)

    def replies(self, post: PostId, most: int) -> GivenReplies:
        """Return the first replies to a post, and what is counted of those behind them."""
        given: list[PostId] = []
        more = hidden = 0
        for reply in self._below.get(post, ()):
            if more == self._bounds.counted:
                break
            if reply not in self.placed:
                continue
            if self._thread.is_hidden(reply):
                hidden += 1
            elif len(given) < most:
                given.append(reply)
            else:
                more += 1
        return GivenReplies(given, more, min(hidden, self._bounds.counted))

    def above(self, line: Sequence[PostId]) -> Iterator[ThreadItem]:
        """Yield what stands above a post, from the root.

        A block between an ancestor's author and the one below hides it, too.
        """
        for distance, (below, post) in reversed(list(enumerate(pairwise(line), 1))):
            apart = below in self._thread.apart
            placeholder = "blocked" if apart else self._thread.placeholder(post)
            yield ThreadItem(post, -distance, placeholder=placeholder)

    def asked(self) -> ThreadItem:
        """Return the place of the post asked for."""
        replies = self.replies(self._thread.asked.post_id, self._shape.limit)
        cut = 0 if self._shape.depth else len(replies.given)
        return self._place(self._thread.asked.post_id, 0, replies, cut)

    def branch(self, reply: PostId) -> Iterator[ThreadItem]:
        """Yield a direct reply and what is given below it, in preorder."""
        depths = dict(islice(self._preorder(reply), 1 + self._bounds.below))
        for post, depth in depths.items():
            replies = self.replies(post, self._shape.branches)
            cut = sum(each not in depths for each in replies.given)
            yield self._place(post, depth, replies, cut)

    def _place(self, post: PostId, depth: int, replies: GivenReplies, cut: int) -> ThreadItem:
        return ThreadItem(
            post,
            depth,
            placeholder=self._thread.placeholder(post),
            truncated=min(replies.more + cut, self._bounds.counted),
            hidden=replies.hidden,
        )

    def _preorder(self, top: PostId) -> Iterator[tuple[PostId, int]]:
        waiting = [(top, 1)]
        while waiting:
            post, depth = waiting.pop()
            yield post, depth
            if depth < self._shape.depth:
                replies = self.replies(post, self._shape.branches).given
                waiting += [(reply, depth + 1) for reply in reversed(replies)]

    def _placed_posts(self, top: PostId) -> set[PostId]:
        """The posts that have a place: the living, and what has a living one close below it."""
        most = self._bounds.living
        distance: dict[PostId, int] = {}
        for post in reversed(self._outward(top)):
            nearest = min((distance[child] for child in self._below.get(post, ())), default=most)
            distance[post] = 0 if self._thread.is_alive(post) else nearest + 1
        return {post for post, levels in distance.items() if levels <= most}

    def _outward(self, top: PostId) -> list[PostId]:
        """All posts from `top` downwards, parents before their replies."""
        found = [top]
        for post in found:
            found += self._below.get(post, ())
        return found
