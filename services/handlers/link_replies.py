"""Joining replies to their parents, in whatever order they arrive.

A reply first writes its link below the parent, then reads what is above; a post first writes
itself, then reads what waits below. Whichever comes second sees the other.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from schemas.ids import PostId
from services.conversations.store import ConversationStore, ReplyLink
from services.handlers.orphans import OrphanGauge
from services.posts.ancestry import ancestors, load_above, path_up
from services.posts.post import Post
from services.posts.store import MAX_ANCESTOR_HINT, PostStore

CHILDREN_A_ROUND = 1_000
"""Children of one post whose hints are mended at once; later ones only cost more reads."""
MAX_CLAIMS = 10_000
"""Replies that wait below one post for their parents. Beyond, the oldest are shown."""


class LinkReplies:
    """Mends what hangs below and above posts that were just recorded."""

    def __init__(
        self, posts: PostStore, conversations: ConversationStore, orphans: OrphanGauge
    ) -> None:
        self._posts = posts
        self._conversations = conversations
        self._orphans = orphans

    async def link(self, replies: Iterable[ReplyLink]) -> None:
        """Writes the links of replies to their parents, before anything is read."""
        await self._conversations.link(list(replies))

    async def join(self, arrived: Sequence[PostId]) -> None:
        """Finds the places of posts that arrived, and of what waited for them."""
        below = await self._conversations.children(arrived, CHILDREN_A_ROUND)
        waiting = await self._conversations.orphans(arrived, MAX_CLAIMS)
        lifted = {link.post_id for links in waiting.values() for link in links}
        known = await self._known_above([*arrived, *lifted])
        await self._hint(arrived, below, known)
        await self._claim([*arrived, *lifted], known)
        self._orphans.update(arrived, known)

    async def _hint(
        self,
        arrived: Sequence[PostId],
        below: Mapping[PostId, Sequence[PostId]],
        known: dict[PostId, Post],
    ) -> None:
        """Tells posts, and all that is below them, which ancestors they have."""
        await self._write_lines(arrived, known)
        seen = set(arrived)
        while below:
            children = [child for each in below.values() for child in each if child not in seen]
            seen.update(children)
            loaded = await self._posts.load(children)
            known.update(loaded)
            mended = await self._write_lines(loaded, known)
            below = await self._conversations.children(mended, CHILDREN_A_ROUND) if mended else {}

    async def _write_lines(
        self, posts: Iterable[PostId], known: Mapping[PostId, Post]
    ) -> list[PostId]:
        """Writes the lines that became longer; returns the posts they belong to."""
        lines = {}
        for post in (known[each] for each in posts if each in known):
            line = _line(post, known)
            if len(line) > len(post.ancestor_hint):
                lines[post.post_id, post.author_id] = line
        if lines:
            await self._posts.hint_ancestors(lines)
        return [post for post, _ in lines]

    async def _claim(self, posts: Iterable[PostId], known: Mapping[PostId, Post]) -> None:
        """Lists the replies whose parent is unknown below all that decides on their root.

        What arrived between the reading and the writing did not find them, so both are done
        until nothing new is to be written.
        """
        written: set[ReplyLink] = set()
        waiting = [known[each] for each in posts if each in known]
        while links := {link for post in waiting for link in _claims(post, known)} - written:
            await self._conversations.add_orphans(list(links))
            written |= links
            known = await self._known_above({link.post_id for link in links})
            waiting = [known[link.post_id] for link in links]

    async def _known_above(self, posts: Iterable[PostId]) -> dict[PostId, Post]:
        known: dict[PostId, Post] = {}
        await load_above(self._posts, known, posts)
        return known


def _claims(post: Post, known: Mapping[PostId, Post]) -> Iterator[ReplyLink]:
    """Where a reply whose parent is unknown waits, so that it is found when its root changes.

    At each post of the path that it claims, and at each unknown parent beside that path:
    whichever arrives or moves lifts it.
    """
    if post.parent_id is None or post.parent_id in known or post.root_claim is None:
        return
    path, _ = path_up(post.post_id, known)
    parents = [known[each].parent_id for each in path[1:] if each in known]
    for above in {*path[1:], *parents}:
        if above is not None:
            yield ReplyLink(above, post.post_id, post.author_id)


def _line(post: Post, known: Mapping[PostId, Post]) -> tuple[PostId, ...]:
    """The ancestors of a post that are known, nearest first."""
    return tuple(
        above for above in islice(ancestors(post, known), MAX_ANCESTOR_HINT) if above in known
    )
