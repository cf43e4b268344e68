"""Port: posts of listings by who may read them, so that nobody walks what others alone may read.

An audience is EVERYBODY, SIGNED_IN, the id of one user, or followers: FOLLOWERS in an author's own
listing, `followers_of` the author in listings of many.
"""

from collections.abc import Collection, Sequence
from typing import Final, Literal, NamedTuple, Protocol, TypeAlias

from schemas.ids import PostId, UserId
from services.span import Span

ListingKind: TypeAlias = Literal["author", "quotes", "conversation"]
EVERYBODY: Final = 0
SIGNED_IN: Final = -1
FOLLOWERS: Final = -2


def followers_of(author: UserId) -> int:
    """Return the audience of an author's followers in a listing of many authors, at most -2."""
    return -1 - author


class Listing(NamedTuple):
    """Posts of an author, quotes of a post, or replies of a conversation by its root."""

    kind: ListingKind
    id: int


class AudienceKey(NamedTuple):
    """An author's claim of a post in a listing, for one audience."""

    listing: Listing
    audience: int
    post_id: PostId
    author_id: UserId


class AudienceChange(NamedTuple):
    """A key that is to be there or not, and the version of that: the highest decides."""

    key: AudienceKey
    version: int


class AudienceEntry(NamedTuple):
    """A post of a listing, and who claims it."""

    post_id: PostId
    author_id: UserId


class AudienceStore(Protocol):
    """Entries may be outdated: readers check each against the post. Raises StoreUnavailable."""

    async def change(
        self, added: Sequence[AudienceChange], removed: Sequence[AudienceChange]
    ) -> None:
        """Add and remove keys, in any order, any number of times; durable on return.

        What is removed and added at the same version is removed.
        """

    async def pages(
        self,
        kind: ListingKind,
        ids: Collection[int],
        audiences: Collection[int],
        span: Span,
        limit: int,
    ) -> dict[int, list[AudienceEntry]]:
        """Return entries of each listing for any of the audiences, by the listing's id.

        The first `limit` of each in the span's order, each once; listings without entries are left
        out. One store request for up to 1,000 pairs of a listing and an audience.
        """
