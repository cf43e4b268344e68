"""The quotes of a post: the posts that quote it, newest first (rule 32). No retention."""

from schemas.ids import PostId, UserId
from services.audiences.store import Listing
from services.posts.post import Post
from services.readers.audiences import audiences_of, posts_of_listing
from services.readers.paging import Page, PageRequest, cut_page
from services.readers.post import read_post
from services.readers.reader import Reader
from services.visibility.predicate import Verdict, judge_quote
from services.visibility.view import View


class QuotesOfPosts:
    """Reads who quoted a post."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def page(
        self, quoted: PostId, viewer: UserId | None, request: PageRequest
    ) -> Page | None:
        """Return a page of the quotes of a post that the viewer may read.

        None where they may not read the post itself. Raises StoreUnavailable.
        """
        if await read_post(self._reader, quoted, viewer) is None:
            return None

        audiences = await audiences_of(self._reader, viewer)
        skeleton = posts_of_listing(self._reader, Listing("quotes", quoted), audiences)

        def shows(post: Post, view: View) -> Verdict:
            return judge_quote(post, quoted, view)

        found = await self._reader.walk(
            skeleton, request.span(), request.limit, viewer=viewer, shows=shows, context="listed"
        )
        return cut_page(request, found)
