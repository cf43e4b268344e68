"""Reading all that authors have within a span, from a store that returns a page at a time."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import TypeVar

from schemas.ids import UserId
from services.span import Span

T = TypeVar("T")


async def scan_author_pages(
    read: Callable[[list[UserId], Span, int], Awaitable[dict[UserId, list[T]]]],
    authors: Iterable[UserId],
    span: Span,
    limit: int,
    post_of: Callable[[T], int],
) -> AsyncIterator[dict[UserId, list[T]]]:
    """Yield pages of some of the authors at a time, newest first, until their spans are read."""
    left = dict.fromkeys(authors, span)
    while left:
        # The spans differ only where an author has more than a page.
        lowest = min(left.values(), key=lambda each: each.below)
        same = [author for author, each in left.items() if each == lowest]
        pages = await read(same, lowest, limit)
        if pages:
            yield pages
        for author in same:
            page = pages.get(author, [])
            if len(page) < limit:
                del left[author]
            else:
                left[author] = lowest._replace(
                    below=_next_below(post_of(page[0]), post_of(page[-1]))
                )


def _next_below(newest: int, oldest: int) -> int:
    """Return where the next page starts: the oldest post may have more rows than the page had."""
    return oldest + 1 if oldest < newest else oldest
