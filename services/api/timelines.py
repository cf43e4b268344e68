"""Endpoints of home timelines and author pages."""

from functools import partial
from typing import Any

from litestar import Response

from schemas.ids import PostId, UserId
from services.api import answers, examples
from services.api.auth.access import Access
from services.api.cursors import Cursors
from services.api.operation import AnyRequest, Endpoint, Operation
from services.api.pages import Pager, author_listing, home_listing, refuse_cursors
from services.api.queries import AuthorQuery, HomeQuery
from services.api.signal_answers import HomeListing
from services.api.signal_pages import SignalPager
from services.api.wait_for import wait_until_arrived
from services.readers.author import AuthorPosts
from services.readers.home import Home
from services.readers.paging import Page, PageRequest
from services.readers.returning import ReturningUsers

READ_HOME = Operation(
    id="readHome",
    path="/v1/users/{user_id}/home",
    summary="Read the home timeline of a user, newest first or by signal",
    query=HomeQuery,
    access=Access.OWNER,
    response=HomeListing,
    example=examples.HOME,
    response_headers=("Link", "Retry-After"),
)
READ_AUTHOR = Operation(
    id="readAuthorPosts",
    path="/v1/users/{user_id}/posts",
    summary="List an author's posts that the viewer may read, newest first",
    query=AuthorQuery,
    access=Access.READER,
    response=answers.Listing,
    example=examples.LISTING,
    response_headers=("Link",),
)


def endpoints(
    home: Home,
    returning: ReturningUsers,
    authors: AuthorPosts,
    cursors: Cursors,
    max_wait_seconds: float,
) -> list[Endpoint]:
    async def read_home(request: AnyRequest, query: HomeQuery, viewer: UserId) -> Response[Any]:
        pager = Pager(cursors, home_listing(viewer))
        if query.wait_for is not None:
            await wait_until_arrived(
                partial(home.has_arrived, viewer, PostId(int(query.wait_for))), max_wait_seconds
            )
        if query.view == "signal":
            read_signal = partial(returning.signal_page, viewer)
            signal = SignalPager(cursors, f"signal/{viewer}")
            return await signal.respond(request, query, read_signal)
        if query.around is not None:
            refuse_cursors(query, "around")

        async def read(page_request: PageRequest) -> Page:
            if query.around is None:
                return await returning.marked_page(viewer, page_request)
            return await returning.page_around_mark(viewer, page_request.limit)

        return await pager.respond(request, query, read, hydrate=query.hydrate)

    async def read_author(
        request: AnyRequest, query: AuthorQuery, viewer: UserId | None
    ) -> Response[Any]:
        author = UserId(int(query.user_id))
        pager = Pager(cursors, author_listing(author, viewer, _of_replies(query)))
        read = partial(authors.page, author, viewer, replies=query.replies)
        return await pager.respond(request, query, read)

    return [
        Endpoint(READ_HOME, read_home),
        Endpoint(READ_AUTHOR, read_author),
    ]


def _of_replies(query: AuthorQuery) -> str:
    """Return what names an author's page with some of the posts only, for cursors."""
    return "" if query.replies == "all" else f"/{query.replies}"
