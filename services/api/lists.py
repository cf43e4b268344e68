"""The endpoint of list timelines."""

from http import HTTPStatus
from typing import Any

from litestar import Response

from schemas.ids import ListId, UserId
from services.api import answers, examples
from services.api.auth.access import Access
from services.api.cursors import Cursors
from services.api.operation import AnyRequest, Endpoint, Operation
from services.api.pages import Pager
from services.api.problems import NotFound
from services.api.queries import ListQuery
from services.readers.list import ListPosts
from services.readers.paging import Page, PageRequest

READ_LIST = Operation(
    id="readListTimeline",
    path="/v1/lists/{list_id}/timeline",
    summary="List the posts and reposts of a list's members, newest first, for its owner only",
    query=ListQuery,
    access=Access.READER,
    response=answers.Listing,
    example=examples.LISTING,
    problems=(HTTPStatus.NOT_FOUND,),
    response_headers=("Link",),
)


def endpoints(lists: ListPosts, cursors: Cursors) -> list[Endpoint]:
    async def read_list(
        request: AnyRequest, query: ListQuery, viewer: UserId | None
    ) -> Response[Any]:
        list_id = ListId(int(query.list_id))

        async def read(page_request: PageRequest) -> Page:
            page = None if viewer is None else await lists.page(list_id, viewer, page_request)
            if page is None:
                raise NotFound("no such list for this viewer")
            return page

        pager = Pager(cursors, f"lists/{list_id}/{viewer or ''}")
        return await pager.respond(request, query, read)

    return [Endpoint(READ_LIST, read_list)]
