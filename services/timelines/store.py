"""Ports: author timelines and home timelines, as entries (post ids) that only ever accumulate.

Entries say where a post may stand; whether it is shown is decided when reading. Adding an entry
again changes nothing. Every method raises StoreUnavailable.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

from schemas.ids import IdArray, PostId, UserId
from services.scan import ScanPage
from services.span import Span

MAX_ARRIVALS = 10_000
"""New entries of one timeline shard that a store returns at once: 160 KB."""


class AuthorEntry(NamedTuple):
    author_id: UserId
    post_id: PostId


class EntryBlock(NamedTuple):
    """An entry for each of these posts in the home of each of these users; both are distinct."""

    users: IdArray
    posts: IdArray

    @property
    def entries(self) -> int:
        return len(self.users) * len(self.posts)


class AuthorTimelineStore(Protocol):
    """Posts of each author."""

    async def add_author_entries(self, entries: Sequence[AuthorEntry]) -> None:
        """Add entries: durable on return, and seen by every `author_pages` that begins later."""

    async def author_pages(
        self, authors: Collection[UserId], span: Span, limit: int
    ) -> dict[UserId, list[PostId]]:
        """Return up to `limit` entries of each author in the span's order.

        Authors without entries are left out.
        """

    async def authors(self, token: int, limit: int) -> ScanPage[UserId]:
        """Return up to `limit` users who ever wrote, beyond a token."""


class HomeGeneration(Protocol):
    """One generation of all home timelines.

    An entry whose post is older than the retention plus one bucket need not be kept; how long the
    others are kept depends on the post alone.
    """

    @property
    def generation(self) -> str:
        """The generation's name."""

    async def add_home_entries(self, blocks: Sequence[EntryBlock]) -> None:
        """Add all entries of all blocks; durable on return.

        The work is regrouped by timeline shard, so one large call costs less than many small
        ones, and one large block less than many small ones.
        """

    async def home_page(self, user: UserId, span: Span, limit: int) -> list[PostId]:
        """Return up to `limit` entries in the span's order; fewer mean that there are no more.

        Costs three store requests at most.
        """

    async def arrivals(
        self, users: Collection[UserId], above: PostId
    ) -> dict[UserId, list[PostId]]:
        """Return the entries above `above` of each user, in any order; users without are left out.

        For many users at once and a recent `above`: it costs one store request for each timeline
        shard and bucket. A hint: where thousands of entries came to a shard, some are left out.
        """

    async def in_home(self, user: UserId, post: PostId) -> bool:
        """Whether the entry is stored."""


class HomeTimelineStore(Protocol):
    """Home timelines in generations (`services.generations`): all are written, one is read."""

    async def add_home_entries(self, blocks: Sequence[EntryBlock]) -> None:
        """Add all entries of all blocks to every generation that is written; durable on return."""

    async def pin(self) -> HomeGeneration:
        """Return the generation that is read now, to read one page from, whatever becomes of it."""

    async def refresh(self) -> int:
        """Look which generations there are, and return the number of that list.

        Later calls go by this list or a newer one.
        """
