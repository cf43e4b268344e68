"""Joins replies to their parents, in whatever order they arrive.

A reply writes its link to the parent, then reads its ancestors; a post writes itself, then reads
the replies that wait for it. Whichever comes second sees the other.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from schemas.ids import PostId
from services.conversations.store import Child, ConversationStore, NewReply, ReplyLink
from services.handlers.contradictions import ContradictedClaims
from services.handlers.orphans import OrphanGauge
from services.posts.ancestry import ancestors, load_above, path_up
from services.posts.post import Post
from services.posts.store import MAX_ANCESTOR_HINT, PostStore

CHILDREN_A_ROUND = 1_000
"""Replies to one post whose hints are updated; hints of later ones only cost more reads."""
MAX_ORPHANS = 10_000
"""Orphans read below one post. Where more wait, the oldest are shown."""


class LinkReplies:
    """Updates hints and orphans around posts that were just recorded."""

    def __init__(
        self,
        posts: PostStore,
        conversations: ConversationStore,
        orphans: OrphanGauge,
        contradicted: ContradictedClaims,
    ) -> None:
        self._posts = posts
        self._conversations = conversations
        self._orphans = orphans
        self._contradicted = contradicted

    async def link(self, replies: Iterable[NewReply]) -> None:
        """Write the links of replies to their parents, before anything is read."""
        await self._conversations.link(list(replies))

    async def join(self, arrived: Sequence[PostId]) -> None:
        """Join posts that arrived, and the replies that waited for them, to their ancestors."""
        below = await self._conversations.children(arrived, CHILDREN_A_ROUND)
        waiting = await self._conversations.orphans(arrived, MAX_ORPHANS)
        moved = {link.post_id for links in waiting.values() for link in links}
        known = await self._load_above([*arrived, *moved])
        descendants = await self._hint(arrived, below, known)
        await self._add_orphans([*arrived, *moved], known)
        self._orphans.update(arrived, known)
        await self._contradicted.count(descendants, known)

    async def _hint(
        self,
        arrived: Sequence[PostId],
        below: Mapping[PostId, Sequence[Child]],
        known: dict[PostId, Post],
    ) -> set[PostId]:
        """Update the ancestor hints of posts and of all their descendants; return all of these."""
        await self._write_hints(arrived, known)
        seen = set(arrived)
        while below:
            replies = {child.post_id for each in below.values() for child in each}
            children = replies - seen
            seen.update(children)
            loaded = await self._posts.load(children)
            known.update(loaded)
            hinted = await self._write_hints(loaded, known)
            below = await self._conversations.children(hinted, CHILDREN_A_ROUND) if hinted else {}
        return seen

    async def _write_hints(
        self, posts: Iterable[PostId], known: Mapping[PostId, Post]
    ) -> list[PostId]:
        """Write the hints that became longer; return their posts."""
        hints = {}
        for post in (known[each] for each in posts if each in known):
            hint = _known_ancestors(post, known)
            if len(hint) > len(post.ancestor_hint):
                hints[post.post_id, post.author_id] = hint
        if hints:
            await self._posts.hint_ancestors(hints)
        return [post for post, _ in hints]

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


def _known_ancestors(post: Post, known: Mapping[PostId, Post]) -> tuple[PostId, ...]:
    """Return the known ancestors of a post, nearest first, up to MAX_ANCESTOR_HINT."""
    return tuple(
        above for above in islice(ancestors(post, known), MAX_ANCESTOR_HINT) if above in known
    )
