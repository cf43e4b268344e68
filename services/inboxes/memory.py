"""Conversations of inboxes in memory."""

from collections.abc import Collection, Mapping
from heapq import nlargest

from schemas.ids import DEFAULT_EPOCH, PostId, UserId
from services.buckets import bucket_of
from services.inboxes.store import (
    MAX_PULLED,
    InboxEntry,
    Membership,
    Participants,
    Stage,
    ThreadPost,
)


class MemoryInboxes:
    """An InboxStore in this process."""

    def __init__(self) -> None:
        self._posts: dict[PostId, set[ThreadPost]] = {}
        self._participants: dict[PostId, dict[UserId, PostId]] = {}
        self._stages: dict[PostId, Stage] = {}
        self._pulled: dict[UserId, set[PostId]] = {}
        self._entries: dict[UserId, dict[tuple[int, PostId], PostId]] = {}

    async def add_posts(self, posts: Collection[ThreadPost]) -> None:
        for each in posts:
            self._posts.setdefault(each.root_id, set()).add(each)
            last = self._participants.setdefault(each.root_id, {})
            last[each.author_id] = max(each.post_id, last.get(each.author_id, each.post_id))

    async def newest(self, roots: Collection[PostId], limit: int) -> dict[PostId, list[ThreadPost]]:
        held = ((root, self._posts[root]) for root in dict.fromkeys(roots) if root in self._posts)
        return {root: sorted(posts, key=_newest_first)[:limit] for root, posts in held}

    async def participants(
        self, roots: Collection[PostId], limit: int
    ) -> dict[PostId, Participants]:
        return {
            root: Participants(
                dict(sorted(self._participants[root].items())[:limit]),
                self._stages.get(root, Stage.PUSHED),
            )
            for root in roots
            if root in self._participants
        }

    async def all_participants(self, root: PostId) -> set[UserId]:
        return set(self._participants.get(root, ()))

    async def last_posts(self, user: UserId, roots: Collection[PostId]) -> dict[PostId, PostId]:
        found = {root: self._participants.get(root, {}).get(user) for root in roots}
        return {root: post for root, post in found.items() if post is not None}

    async def raise_stage(self, roots: Collection[PostId], stage: Stage) -> None:
        for root in roots:
            self._stages[root] = max(stage, self._stages.get(root, stage))

    async def add_members(self, members: Collection[Membership]) -> None:
        for user, root in members:
            self._pulled.setdefault(user, set()).add(root)

    async def pulled(self, user: UserId) -> set[PostId]:
        return set(nlargest(MAX_PULLED, self._pulled.get(user, ())))

    async def add_entries(self, entries: Collection[InboxEntry]) -> None:
        for user, root, post in entries:
            held, place = self._entries.setdefault(user, {}), (bucket_of(post, DEFAULT_EPOCH), root)
            held[place] = max(post, held.get(place, post))

    async def recent(
        self, user: UserId, above: PostId, below: PostId, limit: int
    ) -> Mapping[PostId, PostId]:
        found: dict[PostId, PostId] = {}
        for (_, root), post in self._entries.get(user, {}).items():
            if above < post < below:
                found[root] = max(post, found.get(root, post))
        return {root: found[root] for root in nlargest(limit, found, key=lambda each: found[each])}


def _newest_first(each: ThreadPost) -> tuple[int, int]:
    return -each.post_id, each.author_id
