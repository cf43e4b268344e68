"""An author's page: all their posts that the viewer may read. No retention."""

from collections.abc import Sequence
from typing import Literal, TypeAlias

from schemas.ids import PostId, UserId
from services.posts.post import Post
from services.readers.paging import Page, PageRequest, cut_page
from services.readers.reader import Reader
from services.span import Span
from services.visibility.predicate import Verdict, judge_on_page
from services.visibility.view import View

AuthorReplies: TypeAlias = Literal["all", "none", "only"]
"""Whether replies are on an author's page, or nothing else."""


class AuthorPosts:
    """Reads authors' pages."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def page(
        self,
        author: UserId,
        viewer: UserId | None,
        request: PageRequest,
        replies: AuthorReplies = "all",
    ) -> Page:
        """Return a page of what `author` wrote and `viewer` may read; reposts are no replies.

        Raises StoreUnavailable.
        """

        async def skeleton(span: Span, limit: int) -> Sequence[PostId]:
            pages = await self._reader.stores.author_timelines.author_pages([author], span, limit)
            return pages.get(author, [])

        def shows(post: Post, view: View) -> Verdict:
            if post.author_id != author:  # another author's earlier claim has the id
                return Verdict(shown=False, rule=8, reason="not_the_owner")
            is_reply = post.parent_id is not None and post.repost_of is None
            if replies != "all" and is_reply != (replies == "only"):
                return Verdict(shown=False, rule=18, reason="not_wanted")
            return judge_on_page(post, view)

        found = await self._reader.walk(
            skeleton, request.span(), request.limit, viewer=viewer, shows=shows
        )
        return cut_page(request, found)
