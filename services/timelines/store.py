"""Port: author timelines and home timelines, as entries (post ids) that only ever accumulate."""

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

from schemas.ids import IdArray, PostId, UserId
from services.scan import ScanPage
from services.span import Span

MAX_ARRIVALS = 10_000
"""Entries that a store gives at once of those that arrived in a shard: 160 KB."""


class AuthorEntry(NamedTuple):
    author_id: UserId
    post_id: PostId


class EntryBlock(NamedTuple):
    """Each of these posts goes to the home of each of these users; neither holds one twice."""

    users: IdArray
    posts: IdArray

    @property
    def entries(self) -> int:
        return len(self.users) * len(self.posts)


class TimelineStore(Protocol):
    """Entries say where a post may stand; whether it is shown is decided when reading.

    Adding an entry again changes nothing. An entry whose post is older than the retention plus
    one bucket need not be kept; how long the others are kept depends on the post alone.

    Homes are kept in generations (`services.generations`): what is added goes to all that are
    written, and what is read comes from the one that is read now.
    """

    @property
    def generation(self) -> str | None:
        """The one that homes are read from; None where that may change."""

    async def pinned(self) -> "TimelineStore":
        """The same, reading homes from the generation that is read now, whatever becomes of it.

        For as long as a page takes. Raises StoreUnavailable.
        """

    async def refresh(self) -> int:
        """Asks which generations there are; the number of the list that later calls go by.

        Or by a newer one. Raises StoreUnavailable.
        """

    async def add_author_entries(self, entries: Sequence[AuthorEntry]) -> None:
        """Durable on return, and seen by every `author_pages` that begins later.

        Raises StoreUnavailable.
        """

    async def author_pages(
        self, authors: Collection[UserId], span: Span, limit: int
    ) -> dict[UserId, list[PostId]]:
        """Up to `limit` entries of each author in the span's order; authors with none are left out.

        Raises StoreUnavailable.
        """

    async def authors(self, token: int, limit: int) -> ScanPage[UserId]:
        """Some of those who ever wrote, beyond a place. Raises StoreUnavailable."""

    async def add_home_entries(self, blocks: Sequence[EntryBlock]) -> None:
        """Adds all entries of all blocks; durable on return.

        The work is regrouped by timeline shard, so one large call costs less than many small
        ones, and a large block less than many small ones. Raises StoreUnavailable.
        """

    async def home_page(self, user: UserId, span: Span, limit: int) -> list[PostId]:
        """Up to `limit` entries in the span's order. Fewer than `limit`: there are no more.

        At most three store requests. Raises StoreUnavailable.
        """

    async def arrivals(
        self, users: Collection[UserId], above: PostId
    ) -> dict[UserId, list[PostId]]:
        """The entries above `above` of each user, in any order; users with none are left out.

        For many users at once, and for a recent `above`: one store request for each timeline shard
        and bucket. A hint: where thousands came to a shard, some are left out. Raises
        StoreUnavailable.
        """

    async def in_home(self, user: UserId, post: PostId) -> bool:
        """Whether the entry is stored. Raises StoreUnavailable."""
