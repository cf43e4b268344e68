"""An author's page: all their posts that the viewer may read. No retention."""

from typing import Literal, TypeAlias

from schemas.ids import UserId
from services.posts.post import Post
from services.readers.audiences import posts_of_authors
from services.readers.paging import Page, PageRequest, cut_page
from services.readers.reader import Reader
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
        skeleton = await posts_of_authors(self._reader, [author], viewer)

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
