"""Joins replies to their parents, in whatever order they arrive.

A reply writes its link to the parent, then reads its ancestors; a post writes itself, then reads
the replies that wait for it. Whichever comes second sees the other.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from schemas.ids import PostId
from services.conversations.store import ConversationStore, NewReply, ReplyLink
from services.handlers.ancestor_lines import AncestorLines
from services.handlers.audience_index import Roots, known_roots
from services.handlers.contradictions import ContradictedClaims
from services.handlers.inboxes import FillInboxes
from services.handlers.orphans import OrphanGauge
from services.posts.ancestry import ancestors, load_above, path_up, root_of
from services.posts.post import Post
from services.posts.store import PostStore

MAX_ORPHANS = 10_000
"""Orphans read below one post. Where more wait, the oldest are shown."""


class LinkReplies:
    """Updates lines of ancestors and orphans around posts that were just recorded."""

    def __init__(  # noqa: PLR0913 - a composition
        self,
        posts: PostStore,
        conversations: ConversationStore,
        lines: AncestorLines,
        orphans: OrphanGauge,
        contradicted: ContradictedClaims,
        *,
        inboxes: FillInboxes,
    ) -> None:
        self._posts = posts
        self._conversations = conversations
        self._lines = lines
        self._inboxes = inboxes
        self._orphans = orphans
        self._contradicted = contradicted

    async def link(self, replies: Iterable[NewReply]) -> None:
        """Write the links of replies to their parents, before anything is read."""
        await self._conversations.link(list(replies))

    async def join(self, arrived: Sequence[PostId]) -> Roots:
        """Join posts that arrived, and the replies that waited for them, to their ancestors.

        Return the roots of those that are replies, and of all replies whose root may be another
        now.
        """
        waiting = await self._conversations.orphans(arrived, MAX_ORPHANS)
        moved = {link.post_id for links in waiting.values() for link in links}
        known = await self._load_above([*arrived, *moved])
        descendants = await self._lines.update(arrived, known)
        await self._add_orphans([*arrived, *moved], known)
        self._orphans.update(arrived, known)
        await self._contradicted.count(descendants, known)
        if moved:
            descendants |= moved | await self._load_below(moved, known)
            await self._inboxes.update(_elsewhere(arrived, moved, descendants, known), known)
        return known_roots({*arrived, *descendants}, known)

    async def _load_below(
        self, posts: Collection[PostId], known: dict[PostId, Post]
    ) -> set[PostId]:
        """Load all that hangs below posts into `known`, level by level. Return what that is."""
        found: set[PostId] = set()
        level = set(posts)
        while level:
            below = await self._conversations.children(level, MAX_ORPHANS)
            level = {child.post_id for each in below.values() for child in each} - found
            found |= level
            await load_above(self._posts, known, level)
        return found

    async def _add_orphans(self, posts: Iterable[PostId], known: Mapping[PostId, Post]) -> None:
        """List the replies with an unknown parent below every post that may change their root.

        A post that arrives between the read and the write does not find them, so both are repeated
        until there is nothing new to write.
        """
        written: set[ReplyLink] = set()
        waiting = [known[each] for each in posts if each in known]
        while links := {link for post in waiting for link in _orphan_links(post, known)} - written:
            await self._conversations.add_orphans(list(links))
            written |= links
            known = await self._load_above({link.post_id for link in links})
            waiting = [known[link.post_id] for link in links]

    async def _load_above(self, posts: Iterable[PostId]) -> dict[PostId, Post]:
        known: dict[PostId, Post] = {}
        await load_above(self._posts, known, posts)
        return known


def _elsewhere(
    arrived: Iterable[PostId],
    moved: Iterable[PostId],
    descendants: Iterable[PostId],
    known: Mapping[PostId, Post],
) -> Iterator[Post]:
    """Yield the posts whose root may have changed: orphans that moved, and what is below them.

    What is below an orphan in the conversation that it claims is there already.
    """
    contested = any(known[each].is_contested for each in arrived if each in known)
    waiting = {each for each in moved if each in known}
    others = {
        each
        for each in waiting
        if contested or root_of(known[each], known) != known[each].root_claim
    }
    for each in descendants:
        post = known.get(each)
        if post is not None and (each in waiting or not others.isdisjoint(ancestors(post, known))):
            yield post


def _orphan_links(post: Post, known: Mapping[PostId, Post]) -> Iterator[ReplyLink]:
    """Yield the posts below which an orphan waits, so that it is found when its root changes.

    They are the posts on its path to the root that it claims, and unknown parents beside that path.
    """
    if post.parent_id is None or post.parent_id in known or post.root_claim is None:
        return
    path, _ = path_up(post.post_id, known)
    parents = [known[each].parent_id for each in path[1:] if each in known]
    for above in {*path[1:], *parents}:
        if above is not None:
            yield ReplyLink(above, post.post_id, post.author_id)
