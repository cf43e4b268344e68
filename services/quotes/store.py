"""Port: the posts that quote a post."""

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

from schemas.ids import PostId
from services.span import Span


class QuoteLink(NamedTuple):
    """A claim that `post_id` quotes `quoted_id`."""

    quoted_id: PostId
    post_id: PostId


class QuoteStore(Protocol):
    """Links only accumulate and may be outdated: readers check each against the quote itself.

    Every write is idempotent, and seen by each read that begins after it returned. Every method
    raises StoreUnavailable.
    """

    async def add_quotes(self, links: Sequence[QuoteLink]) -> None:
        """Store the links. Durable on return."""

    async def quotes_of(self, posts: Collection[PostId], limit: int) -> dict[PostId, list[PostId]]:
        """Return up to `limit` quotes of each post, newest first; no empty lists.

        One store request for up to 1,000 posts.
        """

    async def page(self, quoted: PostId, span: Span, limit: int) -> list[PostId]:
        """Return up to `limit` posts that quote a post, in the span's order, in one request.

        Fewer mean that there are no more.
        """
