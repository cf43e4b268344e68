"""All that authors have within a span, where a store gives a page of each at a time."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import TypeVar

from schemas.ids import UserId
from services.span import Span

T = TypeVar("T")


async def scan_author_pages(
    read: Callable[[list[UserId], Span, int], Awaitable[dict[UserId, list[T]]]],
    authors: Iterable[UserId],
    whole: Span,
    limit: int,
    post_of: Callable[[T], int],
) -> AsyncIterator[dict[UserId, list[T]]]:
    """All that authors have in a span, newest first, a page of each of some of them at a time."""
    left = dict.fromkeys(authors, whole)
    while left:
        # The spans differ only where an author has more than a page.
        span = min(left.values(), key=lambda each: each.below)
        same = [author for author, each in left.items() if each == span]
        pages = await read(same, span, limit)
        if pages:
            yield pages
        for author in same:
            page = pages.get(author, [])
            if len(page) < limit:
                del left[author]
            else:
                left[author] = span._replace(below=_rest(post_of(page[0]), post_of(page[-1])))


def _rest(newest: int, oldest: int) -> int:
    """Below what to go on: the last one may have more rows, unless they were a whole page."""
    return oldest + 1 if oldest < newest else oldest
