"""Finds what authors reposted in the windows of a page."""

from collections.abc import Collection, Iterable, Mapping

from schemas.ids import PostId, UserId
from services.readers.reader import FindReposts
from services.reposts.store import AuthorRepost, RepostStore
from services.reposts.window import Window
from services.span import Span


def reposts_in(
    windows: Collection[Window], pages: Mapping[UserId, Iterable[AuthorRepost]]
) -> set[PostId]:
    """Return the reposts on these pages that are in these windows."""
    return {
        post
        for page in pages.values()
        for post, original in page
        if Window.of(post, original) in windows
    }


def repost_finder(
    reposts: RepostStore, authors: Collection[UserId], floor: int, limit: int
) -> FindReposts:
    """Return a search among the newest `limit` reposts of each author that windows may hold.

    It looks at nothing at or below `floor`.
    """

    async def find_reposts(windows: Collection[Window]) -> set[PostId]:
        above = max(floor, min(each.above for each in windows))
        span = Span(above, max(each.below for each in windows))
        return reposts_in(windows, await reposts.author_pages(authors, span, limit))

    return find_reposts
