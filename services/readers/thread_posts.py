"""Loads the posts of a thread: the one asked for, what is above it, and branches below it."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import NamedTuple, TypeAlias

from schemas.ids import PostId, UserId
from services.posts.ancestry import ancestors, load_above, original_of, path_up, root_of
from services.posts.post import Post
from services.readers.known_thread import KnownThread
from services.readers.reader import Reader
from services.readers.siblings import Siblings
from services.readers.thread_shape import ThreadBounds, ThreadShape
from services.stores import Stores

MAX_ORPHANS = 1_000
"""Replies to unknown parents in one conversation that a reading looks at, the oldest first."""

Branch: TypeAlias = list[PostId]
"""The posts of one level below a direct reply that are looked below next."""


class OpenedThread(NamedTuple):
    """The post asked for and what is `above` it, the nearest first; the last may be unknown.

    `orphans` are replies to unknown parents, by parent, in a conversation whose root is asked for.
    `repost` is what was asked for where that is a repost: its original's thread is read.
    """

    thread: KnownThread
    above: Sequence[PostId]
    orphans: Mapping[PostId, Sequence[PostId]]
    repost: Post | None

    @property
    def line(self) -> list[PostId]:
        """The post asked for and what is above it."""
        return [self.thread.asked.post_id, *self.above]


async def open_thread(
    reader: Reader, post: PostId, viewer: UserId | None, bounds: ThreadBounds
) -> OpenedThread | None:
    """Return what a thread is read around; None where there is no such post.

    Raises StoreUnavailable.
    """
    known: dict[PostId, Post] = {}
    await load_above(reader.stores.posts, known, [post])
    named = known.get(post)
    asked = None if named is None else original_of(named, known)
    if asked is None:
        return None
    thread = KnownThread(reader, viewer, asked)
    await thread.begin(known)
    orphans = {} if asked.parent_id is not None else await _load_orphans(reader.stores, thread)
    repost = named if named is not asked else None
    return OpenedThread(thread, _above(asked, known, bounds.ancestors), orphans, repost)


def _above(asked: Post, known: Mapping[PostId, Post], most: int) -> list[PostId]:
    """The nearest ancestors, nearest first; above an unknown parent, the root it claims."""
    nearest = list(islice(ancestors(asked, known), most))
    if nearest and nearest[-1] not in known and len(nearest) < most:
        path, cycle = path_up(asked.post_id, known)
        if not cycle and path[-1] in known:
            nearest.append(path[-1])
    return nearest


async def _load_orphans(stores: Stores, thread: KnownThread) -> dict[PostId, list[PostId]]:
    """Replies whose parent is unknown: the parents they name stand below the claimed root."""
    root = thread.asked.post_id
    orphans = await stores.conversations.orphans([root], MAX_ORPHANS)
    claimed = [link.post_id for link in orphans.get(root, ())]
    known = dict(thread.posts)
    await load_above(stores.posts, known, claimed)
    below: dict[PostId, list[PostId]] = {}
    for reply in (known[each] for each in dict.fromkeys(claimed) if each in known):
        parent = reply.parent_id
        if parent is None or parent in known or reply.repost_of is not None:
            continue
        if root_of(reply, known) == root:
            below.setdefault(parent, []).append(reply.post_id)
    await thread.take_in(known)
    return below


class BranchLoader:
    """Loads what is below direct replies, level by level, never more than `bounds.posts`.

    What is loaded is known before: where the branches of a page do not fit, the last are left out.
    """

    def __init__(
        self, opened: OpenedThread, siblings: Siblings, shape: ThreadShape, bounds: ThreadBounds
    ) -> None:
        self._thread = opened.thread
        self._orphans = opened.orphans
        self._line = set(opened.line)
        self._siblings = siblings
        self._shape = shape
        self._bounds = bounds
        self.left = max(1, bounds.posts - len(opened.thread.posts))
        self.below: dict[PostId, list[PostId]] = {}

    async def load(self, posts: Iterable[PostId]) -> None:
        """Load those posts for which there is room."""
        wanted = list(islice(self._thread.unknown(posts), self.left))
        self.left -= len(wanted)
        await self._thread.load(wanted)

    async def load_branches(self, replies: Sequence[PostId], most: int, least: int) -> int:
        """Load what is below the first `most` of these direct replies that are shown.

        Of a placeholder it is learned whether it has a place. Returns how many of the replies, at
        least `least`, had room for what is below them.
        """
        kept = list(replies)
        branches = {reply: [reply] for reply in self._looked_below(replies, most, 0)}
        for depth in range(1, self._shape.depth + self._bounds.living + 1):
            branches = {reply: nodes for reply, nodes in branches.items() if nodes}
            if not branches:
                break
            await self._load_level(branches, kept, least)
            for reply, nodes in branches.items():
                branches[reply] = [
                    post
                    for node in nodes
                    for post in self._looked_below(self.below[node], self._shape.branches, depth)
                ][: self._bounds.below]
        return len(kept)

    async def _load_level(
        self, branches: dict[PostId, Branch], kept: list[PostId], least: int
    ) -> None:
        """Load the replies to these posts, as many as are needed to know what is given of them."""
        nodes = [node for branch in branches.values() for node in branch]
        candidates = await self._siblings.below(
            [each for each in nodes if each in self._thread.posts]
        )
        candidates |= {each: [*self._orphans[each]] for each in nodes if each in self._orphans}
        enough = self._siblings.enough
        waiting = {node: replies[:enough] for node, replies in candidates.items()}
        for _ in range(2):
            await self._load_within(waiting, branches, kept, least)
            waiting = {
                node: replies[enough:]
                for node, replies in candidates.items()
                if len(replies) > enough and self._shown(node, replies[:enough]) < enough
            }
        for node in nodes:
            replies = self._replies(node, candidates.get(node, ()))
            self.below[node] = sorted(replies, key=self._key)

    async def _load_within(
        self,
        waiting: Mapping[PostId, Sequence[PostId]],
        branches: dict[PostId, Branch],
        kept: list[PostId],
        least: int,
    ) -> None:
        """Load what waits below these posts; leave out the last branches where there is no room."""
        wanted = {
            reply: self._thread.unknown(post for node in branch for post in waiting.get(node, ()))
            for reply, branch in branches.items()
        }
        cost = sum(map(len, wanted.values()))
        while cost > self.left and len(kept) > least:
            last = kept.pop()
            cost -= len(wanted.pop(last, ()))
            branches.pop(last, None)
        await self.load(post for posts in wanted.values() for post in sorted(posts))

    def _replies(self, parent: PostId, candidates: Iterable[PostId]) -> list[PostId]:
        """Return the replies among candidates that are known; what is above is not below, too."""
        return [
            each
            for each in candidates
            if each not in self._line and self._thread.is_reply(each, parent)
        ]

    def _shown(self, parent: PostId, candidates: Iterable[PostId]) -> int:
        replies = self._replies(parent, candidates)
        return sum(map(self._is_shown, replies))

    def _is_shown(self, reply: PostId) -> bool:
        return self._thread.is_alive(reply) and not self._thread.is_hidden(reply)

    def _looked_below(self, replies: Sequence[PostId], most: int, depth: int) -> Branch:
        """Return which replies to a post at `depth` are looked below: those that may be given.

        And placeholders that may have a place, up to where replies are counted. Deeper than what is
        given, one living reply is enough for all that is above it.
        """
        if depth > self._shape.depth and any(map(self._thread.is_alive, replies)):
            return []
        given = most if depth < self._shape.depth else 0
        chosen: Branch = []
        passed = 0
        for reply in replies:
            if self._is_shown(reply):
                passed += 1
                if passed <= given:
                    chosen.append(reply)
            elif not self._thread.is_alive(reply):
                chosen.append(reply)
            if passed == most + self._bounds.counted:
                break
        return chosen

    def _key(self, reply: PostId) -> tuple[int, int]:
        """The order of the replies to a post other than the one asked for."""
        if self._shape.sort == "newest":
            return 0, -reply
        return (self._thread.rank(reply) if self._shape.sort == "conversation" else 0), reply
