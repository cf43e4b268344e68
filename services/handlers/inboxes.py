"""Puts conversations into the inboxes of those who take part in them.

A post writes itself and its author, then reads who takes part and what each wrote last. Of a post
and a participant that arrive at the same time, whichever reads second sees the other.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from schemas.ids import PostId
from services.inboxes.store import (
    InboxEntry,
    InboxStore,
    Membership,
    Participants,
    Stage,
    ThreadPost,
)
from services.latest import Latest
from services.posts.ancestry import root_of
from services.posts.post import Post

PUSHED_PARTICIPANTS = 50
"""Participants up to whom a conversation is pushed: a reply writes so many rows at most."""
MAX_REMEMBERED = 10_000
"""Pulled conversations that a process remembers, 1 MB: they are never pushed again."""


class FillInboxes:
    """Writes posts of conversations and entries of inboxes."""

    def __init__(self, inboxes: InboxStore, most: int = PUSHED_PARTICIPANTS) -> None:
        self._inboxes = inboxes
        self._most = most
        self._pulled: Latest[PostId, None] = Latest(MAX_REMEMBERED)

    async def update(self, posts: Iterable[Post], known: Mapping[PostId, Post]) -> None:
        """Put the conversations of posts into inboxes; `known` has all that is above them."""
        written: dict[PostId, set[ThreadPost]] = {}
        for each in _thread_posts(posts, known):
            written.setdefault(each.root_id, set()).add(each)
        if not written:
            return
        await self._inboxes.add_posts([each for some in written.values() for each in some])
        asked = [root for root in written if root not in self._pulled]
        found = await self._inboxes.participants(asked, self._most + 1) if asked else {}
        large = [root for root, each in found.items() if self._is_too_large(each)]
        entries: set[InboxEntry] = set()
        members: set[Membership] = set()
        for root, some in written.items():
            stage = Stage.PULLED if root in self._pulled else found[root].stage
            if stage != Stage.PUSHED:
                members |= {Membership(each.author_id, root) for each in some}
            if stage != Stage.PULLED and root not in large:
                entries |= _entries(root, some, found[root])
            elif root not in large:
                self._pulled[root] = None
        await asyncio.gather(
            self._inboxes.add_entries(entries),
            self._inboxes.add_members(members),
            self._pull(large),
        )

    def _is_too_large(self, found: Participants) -> bool:
        return found.stage != Stage.PULLED and len(found.last_posts) > self._most

    async def _pull(self, roots: Sequence[PostId]) -> None:
        """List everybody who takes part in conversations; only then may a post not be pushed.

        Who comes meanwhile sees that they are being listed, and lists themselves.
        """
        if not roots:
            return
        await self._inboxes.raise_stage(roots, Stage.LISTING)
        for root in roots:
            users = await self._inboxes.all_participants(root)
            await self._inboxes.add_members({Membership(user, root) for user in users})
        await self._inboxes.raise_stage(roots, Stage.PULLED)


def _entries(root: PostId, written: Iterable[ThreadPost], found: Participants) -> set[InboxEntry]:
    """Return what is owed to inboxes for posts that were just written."""
    last = max(found.last_posts.values())
    users = {each.author_id for each in written}
    if any(each.post_id == last for each in written):
        users |= found.last_posts.keys()
    # Otherwise whoever wrote the last post pushed it to all others who took part by then.
    return {InboxEntry(user, root, last) for user in users}


def _thread_posts(posts: Iterable[Post], known: Mapping[PostId, Post]) -> Iterable[ThreadPost]:
    """Yield posts of conversations, and their roots with those that may be the first below them.

    A root alone is no conversation, and reposts are in none.
    """
    for post in posts:
        is_reply = post.parent_id is not None and post.repost_of is None
        root = root_of(post, known) if is_reply else None
        if root is None:
            continue
        yield ThreadPost(root, post.post_id, post.author_id)
        top = known.get(root)
        is_first = post.parent_id == root or post.parent_id not in known
        if is_first and top is not None and top.repost_of is None:
            yield ThreadPost(root, root, top.author_id)
