"""Endpoints of home timelines and author pages."""

from functools import partial
from http import HTTPStatus
from typing import Any

from litestar import Response

from schemas.ids import PostId, UserId
from services.api import answers, examples
from services.api.auth.access import Access
from services.api.cursors import Cursors
from services.api.operation import AnyRequest, Endpoint, Operation
from services.api.pages import Pager, author_listing, home_listing, refuse_cursors
from services.api.problems import NotFound
from services.api.queries import AuthorQuery, ExplainQuery, HomeQuery
from services.api.wait_for import wait_until_arrived
from services.readers.author import AuthorPosts
from services.readers.home import Home
from services.readers.paging import Page, PageRequest
from services.readers.returning import ReturningUsers

READ_HOME = Operation(
    id="readHome",
    path="/v1/users/{user_id}/home",
    summary="Read the home timeline of a user, newest first",
    query=HomeQuery,
    access=Access.OWNER,
    response=answers.Listing,
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
EXPLAIN = Operation(
    id="explain",
    path="/v1/users/{user_id}/explain/{post_id}",
    summary="Explain why a post is or is not in a home timeline",
    query=ExplainQuery,
    access=Access.OWNER,
    response=answers.Explanation,
    example=examples.EXPLANATION,
    problems=(HTTPStatus.NOT_FOUND,),
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

    async def explain(_: AnyRequest, query: ExplainQuery, viewer: UserId) -> Response[Any]:
        found = await home.explain(viewer, PostId(int(query.post_id)))
        if found is None:
            raise NotFound("no such post for this viewer")
        return Response(answers.explanation(found))

    return [
        Endpoint(READ_HOME, read_home),
        Endpoint(READ_AUTHOR, read_author),
        Endpoint(EXPLAIN, explain),
    ]


def _of_replies(query: AuthorQuery) -> str:
    """Return what names an author's page with some of the posts only, for cursors."""
    return "" if query.replies == "all" else f"/{query.replies}"
