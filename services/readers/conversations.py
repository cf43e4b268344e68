"""Conversations as one of their participants may see them: what is new, and who takes part.

Of each the newest posts are known by their ids and authors. Of these only what decides is loaded:
what is newer than the viewer's mark, and the newest of each author; where that is hidden, the rest
of that author's.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence

import msgspec

from schemas.ids import PostId, UserId
from services.inboxes.store import ThreadPost
from services.posts.ancestry import load_above, root_of
from services.posts.post import Post
from services.readers.paging import MAX_UNREAD
from services.readers.reader import Reader
from services.retention import Retention
from services.visibility.mentions import counts_in_conversation
from services.visibility.view import View

FIRST_LOOK = 120
"""Newest posts of each conversation that are known at first: nearly all have fewer."""
LOOKED_AT = 500
"""Newest posts that are known of one with more, 10 KB of ids."""
MAX_PARTICIPANTS = 20
MAX_COUNTED = 100
"""Participants that are counted. Of a conversation with more posts than LOOKED_AT so many may be
found that wrote none of these."""
OWN_AT_ONCE = 2
"""Posts of the viewer's that are loaded at first: the last may be deleted, and it decides what is
new."""
MAX_LOOKS = 4
"""Rounds of loading for one page. What is undecided after the last counts as hidden."""


class InboxConversation(msgspec.Struct, frozen=True):
    """A conversation as its participant `viewer` may see it; participants are the latest first.

    `participant_count` and `new` are exact to MAX_COUNTED and MAX_UNREAD.
    """

    root_id: PostId
    last_post_id: PostId
    new: int
    participants: list[UserId]
    participant_count: int


class _Thread:
    """What is known of one conversation: its newest posts, and which of them count."""

    def __init__(
        self, root: PostId, posts: Sequence[ThreadPost], mark: PostId | None, viewer: UserId
    ) -> None:
        self.root = root
        self._viewer = viewer
        self._posts = sorted(posts, key=lambda each: each.post_id, reverse=True)
        self._mark = mark
        self._by_author: dict[UserId, list[ThreadPost]] = {viewer: []}  # who counts before others
        for each in self._posts:
            self._by_author.setdefault(each.author_id, []).append(each)
        self._counts: dict[ThreadPost, bool] = {}
        self._latest: dict[UserId, PostId] = {}
        self._new = 0

    def judge(self, view: View, loaded: Collection[PostId]) -> None:
        """Decide about those of its posts that are loaded, as far as they are known."""
        for each in self._posts:
            hides = _hides_author(each.author_id, view)
            if each not in self._counts and (hides or each.post_id in loaded):
                post = None if hides else view.known.get(each.post_id)
                self._counts[each] = (
                    post is not None
                    and post.author_id == each.author_id
                    and root_of(post, view.known) == self.root
                    and counts_in_conversation(post, view)
                )

    def undecided(self) -> set[PostId]:
        """Return the posts on which it depends what the conversation is."""
        wanted = self._find_latest()
        mark = self._mark or self._latest.get(self._viewer) or self._guess_mark()
        if mark is None:
            return wanted
        self._new, waiting = 0, 0
        for each in self._posts:
            if each.post_id <= mark or self._new + waiting == MAX_UNREAD:
                break
            if each.author_id == self._viewer:
                continue
            counts = self._counts.get(each)
            self._new += counts is True
            if counts is None:
                waiting += 1
                wanted.add(each.post_id)
        return wanted

    def _guess_mark(self) -> PostId | None:
        """Return a post that the viewer's latest will hardly be below; None without any."""
        own = [
            each for each in self._by_author[self._viewer] if self._counts.get(each) is not False
        ]
        return own[:OWN_AT_ONCE][-1].post_id if own else None

    def _find_latest(self) -> set[PostId]:
        """Find the newest post of each author; return what has to be loaded for that."""
        wanted: set[PostId] = set()
        waiting = 0
        for author, posts in self._by_author.items():
            if len(self._latest) + waiting > MAX_COUNTED:
                break
            hidden = 0
            for post in posts:
                counts = self._counts.get(post)
                if counts is not False:
                    break
                hidden += 1
            if hidden == len(posts):
                continue
            if counts:
                self._latest[author] = posts[hidden].post_id
            else:
                waiting += 1
                at_once = OWN_AT_ONCE if author == self._viewer else 1
                further = posts[hidden:] if hidden else posts[:at_once]
                wanted.update(each.post_id for each in further)
        return wanted

    def result(self) -> InboxConversation | None:
        """Return the conversation; None unless the viewer and somebody else wrote in it."""
        if self._viewer not in self._latest or len(self._latest) == 1:
            return None
        latest = sorted(self._latest, key=lambda user: self._latest[user], reverse=True)
        participants = latest[:MAX_PARTICIPANTS]
        if self._viewer not in participants:
            participants[-1] = self._viewer
        return InboxConversation(
            self.root,
            self._latest[latest[0]],
            self._new,
            participants,
            min(MAX_COUNTED, len(latest)),
        )


class ConversationReader:
    """Reads conversations."""

    def __init__(self, reader: Reader, retention: Retention) -> None:
        self._reader = reader
        self._inboxes = reader.stores.inboxes
        self._retention = retention

    async def read(
        self, viewer: UserId, roots: Collection[PostId], marks: Mapping[PostId, PostId]
    ) -> list[InboxConversation]:
        """Return which of these the viewer has with others, in no order.

        `marks` are the posts up to which they have read. Raises StoreUnavailable.
        """
        threads = await self._load_threads(viewer, roots, marks)
        known: dict[PostId, Post] = {}
        view, loaded = View(viewer, known), set[PostId]()
        for _ in range(MAX_LOOKS):
            wanted = {post for each in threads for post in each.undecided()}
            if not wanted:
                break
            await load_above(self._reader.stores.posts, known, [*wanted, *roots])
            loaded |= wanted
            view = await self._reader.view_loaded(
                viewer, known, list(known), self._retention, muted_threads=False
            )
            for each in threads:
                each.judge(view, loaded)
        found = [each.result() for each in threads if not each.undecided()]
        return [each for each in found if each is not None and each.last_post_id > view.floor]

    async def _load_threads(
        self, viewer: UserId, roots: Collection[PostId], marks: Mapping[PostId, PostId]
    ) -> list[_Thread]:
        if not roots:
            return []
        posts = await self._inboxes.newest(roots, FIRST_LOOK)
        large = [root for root, some in posts.items() if len(some) == FIRST_LOOK]
        if large:
            newest, own, people = await asyncio.gather(
                self._inboxes.newest(large, LOOKED_AT),
                self._inboxes.last_posts(viewer, large),
                self._inboxes.participants(large, MAX_COUNTED + 1),
            )
            for root, found in people.items():
                last = {**found.last_posts, **({viewer: own[root]} if root in own else {})}
                further = {ThreadPost(root, post, user) for user, post in last.items()}
                posts[root] = [*{*newest[root], *further}]
        return [_Thread(root, some, marks.get(root), viewer) for root, some in posts.items()]


def _hides_author(author: UserId, view: View) -> bool:
    """Whether the viewer sees nothing of an author's, as far as is known."""
    relation = view.to(author)
    mute = relation.mute
    if relation.blocked:
        return True
    return mute is not None and mute.scope == "all" and view.is_active(mute.expires_at)
