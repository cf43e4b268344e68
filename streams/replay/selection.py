"""Which events of a log a replay is about. Pure."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from schemas.events import PostFact
from schemas.ids import PostId

MAX_POSTS: Final = 200_000
"""Of a conversation that is chosen: 4 MB in a plan's file. A larger one is replayed by topic."""


class Selection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that nothing here excludes; at most one of these is given.

    `author` is who wrote posts; `user` is whoever wrote, follows or is followed, says or is spoken
    of; `posts` are those of a conversation.
    """

    author: int | None = None
    user: int | None = None
    conversation: int | None = None
    posts: frozenset[int] = frozenset()

    @property
    def topics(self) -> tuple[str, ...]:
        """Where the chosen events may be."""
        if self.author is not None or self.conversation is not None:
            return ("posts", "replies")
        return ("posts", "replies", "follows", "relations")

    @property
    def is_all(self) -> bool:
        return self.author is self.user is self.conversation is None

    def takes(self, message: Any) -> bool:
        """Whether the event is chosen."""
        if self.author is not None:
            return bool(message.author_id == self.author)
        if self.user is not None:
            return self.user in people_of(message)
        return self.conversation is None or message.post_id in self.posts


_PEOPLE: Final = (
    "author_id", "follower_id", "followee_id", "owner_id", "target_id", "member_id",
)  # fmt: skip


def people_of(message: Any) -> set[int]:
    """Those whom an event is about, but for whom a post only mentions."""
    return {found for name in _PEOPLE if (found := getattr(message, name, None)) is not None}


class Conversation:
    """Grows from a post to all that hang together with it, whatever the order they are met in."""

    def __init__(self, post: int) -> None:
        self._post = post
        self._beside: defaultdict[int, set[int]] = defaultdict(set)
        self._known: set[int] = set()

    def add(self, fact: PostFact) -> None:
        """Raises ValueError where there are more posts than a plan takes."""
        self._known.add(fact.post_id)
        if len(self._known) > MAX_POSTS * 10:
            raise ValueError("too many posts to find a conversation among: plan by topic")
        for above in _above(fact):
            self._beside[fact.post_id].add(above)
            self._beside[above].add(fact.post_id)

    def posts(self) -> frozenset[int]:
        """Raises ValueError where the conversation is larger than a plan takes."""
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
