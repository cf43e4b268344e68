"""Joins quotes to what they quote, in whatever order they arrive, to tell who is quoted.

A quote writes its link, then reads the quoted post; a post writes itself, then reads the links of
its quotes. Whichever comes second sees the other.
"""

from collections.abc import Sequence

from schemas.events import Creation
from schemas.ids import PostId
from services.mentions.store import Mention, MentionStore
from services.posts.store import PostStore
from services.quotes.store import QuoteLink, QuoteStore
from services.span import Span

QUOTES_AT_ONCE = 1_000
"""Quotes of each post that are read at a time."""


class LinkQuotes:
    """Writes links of quotes, and mentions of the quoted authors."""

    def __init__(self, posts: PostStore, quotes: QuoteStore, mentions: MentionStore) -> None:
        self._posts = posts
        self._quotes = quotes
        self._mentions = mentions

    async def link(self, created: Sequence[Creation]) -> None:
        """Write the links of quotes, before anything is read."""
        links = _links(created)
        if links:
            await self._quotes.add_quotes(links)

    async def mention(self, created: Sequence[Creation]) -> None:
        """Mention the authors whom these posts quote, and these authors for quotes of before."""
        arrived = {PostId(each.post_id) for each in created}
        waiting = await self._quotes.quotes_of(arrived, QUOTES_AT_ONCE)
        earlier = [QuoteLink(quoted, each) for quoted in waiting for each in waiting[quoted]]
        await self._mention([*_links(created), *earlier])
        for quoted, some in waiting.items():
            while len(some) == QUOTES_AT_ONCE:
                rest = Span(below=some[-1])
                some = await self._quotes.page(quoted, rest, QUOTES_AT_ONCE)  # noqa: PLW2901
                await self._mention([QuoteLink(quoted, each) for each in some])

    async def _mention(self, links: Sequence[QuoteLink]) -> None:
        if not links:
            return
        known = await self._posts.load({each.quoted_id for each in links})
        await self._mentions.add(
            {Mention(known[quoted].author_id, post) for quoted, post in links if quoted in known}
        )


def _links(created: Sequence[Creation]) -> list[QuoteLink]:
    return [
        QuoteLink(PostId(each.quote_of), PostId(each.post_id))
        for each in created
        if each.quote_of is not None
    ]
