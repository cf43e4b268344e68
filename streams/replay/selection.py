"""Selects the events of a log that a replay applies. Pure."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from schemas.events import PostFact
from schemas.ids import PostId

MAX_POSTS: Final = 200_000
"""In a selected conversation: 4 MB in a plan's file. A larger one is replayed by topic."""


class Selection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Selects all that nothing here excludes; at most one of the first three is given.

    `author` selects the posts of a user; `user` whatever is by or about a user, but for mentions;
    `conversation` the conversation of a post, whose members are in `posts`.
    """

    author: int | None = None
    user: int | None = None
    conversation: int | None = None
    posts: frozenset[int] = frozenset()

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics that may hold selected events."""
        if self.author is not None or self.conversation is not None:
            return ("posts", "replies")
        return ("posts", "replies", "follows", "relations")

    @property
    def is_all(self) -> bool:
        return self.author is self.user is self.conversation is None

    def takes(self, message: Any) -> bool:
        """Whether the event is selected."""
        if self.author is not None:
            return bool(message.author_id == self.author)
        if self.user is not None:
            return self.user in people_of(message)
        return self.conversation is None or message.post_id in self.posts


_PEOPLE: Final = (
    "author_id", "follower_id", "followee_id", "owner_id", "target_id", "member_id",
)  # fmt: skip


def people_of(message: Any) -> set[int]:
    """Return the users that an event is by or about, without mentions."""
    return {found for name in _PEOPLE if (found := getattr(message, name, None)) is not None}


class Conversation:
    """Finds all posts of a post's conversation, in whatever order they are added."""

    def __init__(self, post: int) -> None:
        self._post = post
        self._beside: defaultdict[int, set[int]] = defaultdict(set)
        self._known: set[int] = set()

    def add(self, fact: PostFact) -> None:
        """Add a post. Raises ValueError for more posts than a plan can have."""
        self._known.add(fact.post_id)
        if len(self._known) > MAX_POSTS * 10:
            raise ValueError("too many posts to find a conversation among: plan by topic")
        for above in _above(fact):
            self._beside[fact.post_id].add(above)
            self._beside[above].add(fact.post_id)

    def posts(self) -> frozenset[int]:
        """Return the conversation. Raises ValueError for more posts than a plan can have."""
        found, waiting = {self._post}, [self._post]
        while waiting:
            fresh = self._beside.get(waiting.pop(), set()) - found
            found |= fresh
            waiting += fresh
        if len(found) > MAX_POSTS:
            raise ValueError(f"the conversation has {len(found):,} posts: plan by topic")
        return frozenset(found)


def _above(fact: PostFact) -> Iterable[PostId]:
    above = (getattr(fact, name, None) for name in ("parent_id", "root_id"))
    return [PostId(each) for each in above if each is not None]
