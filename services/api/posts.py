"""Endpoints of a post and its thread."""

from http import HTTPStatus
from typing import Any

from litestar import Response

from schemas.ids import PostId, UserId
from services.api import answers, examples
from services.api.auth.access import Access
from services.api.cursors import Cursors
from services.api.operation import AnyRequest, Endpoint, Operation
from services.api.pages import Pager, links
from services.api.problems import NotFound
from services.api.queries import PostQuery, QuotesQuery, ThreadQuery
from services.api.thread_cursors import ThreadCursors
from services.readers.paging import Page, PageRequest
from services.readers.post import read_post
from services.readers.quotes import QuotesOfPosts
from services.readers.reader import Reader
from services.readers.thread import Threads
from services.readers.thread_shape import ThreadShape

READ_POST = Operation(
    id="readPost",
    path="/v1/posts/{post_id}",
    summary="Read a post",
    query=PostQuery,
    access=Access.READER,
    response=answers.Item,
    example=examples.POST,
    problems=(HTTPStatus.NOT_FOUND,),
    tagged=True,
)
READ_THREAD = Operation(
    id="readThread",
    path="/v1/posts/{post_id}/thread",
    summary="Read the conversation around a post from its root, as a flat list with depths",
    query=ThreadQuery,
    access=Access.READER,
    response=answers.Thread,
    example=examples.THREAD,
    problems=(HTTPStatus.NOT_FOUND,),
    response_headers=("Link",),
    tagged=True,
)


READ_QUOTES = Operation(
    id="readQuotes",
    path="/v1/posts/{post_id}/quotes",
    summary="List the posts that quote a post, newest first",
    query=QuotesQuery,
    access=Access.READER,
    response=answers.Listing,
    example=examples.QUOTES,
    problems=(HTTPStatus.NOT_FOUND,),
    response_headers=("Link",),
)


def endpoints(reader: Reader, cursors: Cursors) -> list[Endpoint]:
    threads, quotes = Threads(reader), QuotesOfPosts(reader)

    async def one_post(_: AnyRequest, query: PostQuery, viewer: UserId | None) -> Response[Any]:
        found = await read_post(reader, PostId(int(query.post_id)), viewer)
        if found is None:
            raise NotFound("no such post for this viewer")
        return Response(answers.item(found))

    async def thread(
        request: AnyRequest, query: ThreadQuery, viewer: UserId | None
    ) -> Response[Any]:
        shape = ThreadShape(query.sort, query.depth, query.branches, query.limit)
        places = ThreadCursors(cursors, f"thread/{query.post_id}/{query.sort}/{viewer}")
        behind = places.open("before", query.before)
        found = await threads.page(PostId(int(query.post_id)), viewer, shape, behind)
        if found is None:
            raise NotFound("no such post for this viewer")
        page = answers.Thread(
            [answers.thread_item(each) for each in found.items], places.seal(found.next)
        )
        return Response(page, headers=links(request, query, {"next": page.next}))

    async def read_quotes(
        request: AnyRequest, query: QuotesQuery, viewer: UserId | None
    ) -> Response[Any]:
        quoted = PostId(int(query.post_id))

        async def read(page_request: PageRequest) -> Page:
            page = await quotes.page(quoted, viewer, page_request)
            if page is None:
                raise NotFound("no such post for this viewer")
            return page

        pager = Pager(cursors, f"quotes/{quoted}/{viewer or ''}")
        return await pager.respond(request, query, read)

    return [
        Endpoint(READ_POST, one_post),
        Endpoint(READ_THREAD, thread),
        Endpoint(READ_QUOTES, read_quotes),
    ]
