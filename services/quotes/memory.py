"""Quotes in memory."""

from collections.abc import Collection, Sequence

from schemas.ids import PostId
from services.quotes.store import QuoteLink
from services.span import Span


class MemoryQuotes:
    """A QuoteStore in this process."""

    def __init__(self) -> None:
        self._quotes: dict[PostId, set[PostId]] = {}

    async def add_quotes(self, links: Sequence[QuoteLink]) -> None:
        for quoted, post in links:
            self._quotes.setdefault(quoted, set()).add(post)

    async def quotes_of(self, posts: Collection[PostId], limit: int) -> dict[PostId, list[PostId]]:
        held = {post: self._quotes[post] for post in posts if post in self._quotes}
        return {post: sorted(quotes, reverse=True)[:limit] for post, quotes in held.items()}

    async def page(self, quoted: PostId, span: Span, limit: int) -> list[PostId]:
        inside = (each for each in self._quotes.get(quoted, ()) if span.above < each < span.below)
        return sorted(inside, reverse=span.newest_first)[:limit]
