"""What decisions about a viewer's reading need: plain values, loaded beforehand."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Literal, NamedTuple, TypeAlias

from schemas.ids import ListId, PostId, UserId
from schemas.relations import Context
from services.posts.ancestry import original_of
from services.posts.post import Post
from services.relations.relations import ReadMarks, Relations, Relationship

ReasonKind = Literal["follow", "self", "repost", "list", "tag", "mention"]
"""What brings a post into a listing."""
ReadContext: TypeAlias = Context | Literal["listed", "page"]
"""Where a post is read, for mutes: `page` is what is asked for by its id or its author and ignores
them all, `listed` heeds those of people, the contexts of keyword mutes heed both."""
Why = Literal["mention", "reply", "quote", "line"]
"""How a post speaks to a viewer: it names them, answers them, quotes them, or is in their line."""


class ListMember(NamedTuple):
    """A member of a list, and who owns it: a gate admits only by lists of its root's author."""

    list_id: ListId
    owner_id: UserId
    member_id: UserId


class Gates(NamedTuple):
    """The users that the reply gates of the roots in a view admit, as far as gates name them.

    `follows` are (follower, followee) pairs with an edge now, `listed` members of the lists that
    gates name.
    """

    follows: AbstractSet[tuple[UserId, UserId]] = frozenset()
    listed: AbstractSet[ListMember] = frozenset()


class View(NamedTuple):
    """All that is known to one reading. `viewer` is None for an anonymous one.

    `known` holds the posts, all that is known above them, what they repost and what they quote;
    `relations` are to their authors and to the users they mention; `suspended` are the authors
    whose accounts are suspended or erased; `muted_threads` are the roots that the viewer muted
    everywhere; `marks` are theirs of threads, where a listing asks for them; `floor` is the newest
    post id that is past its retention; `now` is in microseconds since the Unix epoch, for what
    expires.
    """

    viewer: UserId | None
    known: Mapping[PostId, Post]
    relations: Relations = Relations()
    suspended: AbstractSet[UserId] = frozenset()
    gates: Gates = Gates()
    muted_threads: AbstractSet[PostId] = frozenset()
    marks: ReadMarks = ReadMarks()
    floor: int = 0
    now: int = 0

    def to(self, other: UserId) -> Relationship:
        """Return how the viewer stands to a user."""
        return self.relations.to(other)

    def follows(self, other: UserId) -> bool:
        return self.relations.to(other).edge is not None

    def original(self, post: Post) -> Post | None:
        """Return what a post shows: itself, or what it reposts, None while that is unknown."""
        return post if post.repost_of is None else original_of(post, self.known)

    def quoted(self, post: Post) -> Post | None:
        """Return the post that a post quotes; None for no quote, and while that is unknown."""
        return None if post.quote_of is None else self.known.get(post.quote_of)

    def is_active(self, expires_at: int | None) -> bool:
        """Whether something has not expired; it is over at `expires_at` itself."""
        return expires_at is None or self.now < expires_at
