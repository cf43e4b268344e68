"""Joins replies to their parents, in whatever order they arrive.

A reply writes its link to the parent, then reads its ancestors; a post writes itself, then reads
the replies that wait for it. Whichever comes second sees the other.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from schemas.ids import PostId
from services.conversations.store import ConversationStore, NewReply, ReplyLink
from services.handlers.ancestor_lines import AncestorLines
from services.handlers.contradictions import ContradictedClaims
from services.handlers.orphans import OrphanGauge
from services.posts.ancestry import load_above, path_up
from services.posts.post import Post
from services.posts.store import PostStore

MAX_ORPHANS = 10_000
"""Orphans read below one post. Where more wait, the oldest are shown."""


class LinkReplies:
    """Updates lines of ancestors and orphans around posts that were just recorded."""

    def __init__(
        self,
        posts: PostStore,
        conversations: ConversationStore,
        lines: AncestorLines,
        orphans: OrphanGauge,
        contradicted: ContradictedClaims,
    ) -> None:
        self._posts = posts
        self._conversations = conversations
        self._lines = lines
        self._orphans = orphans
        self._contradicted = contradicted

    async def link(self, replies: Iterable[NewReply]) -> None:
        """Write the links of replies to their parents, before anything is read."""
        await self._conversations.link(list(replies))

    async def join(self, arrived: Sequence[PostId]) -> None:
        """Join posts that arrived, and the replies that waited for them, to their ancestors."""
        waiting = await self._conversations.orphans(arrived, MAX_ORPHANS)
        moved = {link.post_id for links in waiting.values() for link in links}
        known = await self._load_above([*arrived, *moved])
        descendants = await self._lines.update(arrived, known)
        await self._add_orphans([*arrived, *moved], known)
        self._orphans.update(arrived, known)
        await self._contradicted.count(descendants, known)

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
