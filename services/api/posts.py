"""One post, and its thread."""

from http import HTTPStatus
from typing import Any

from litestar import Response

from schemas.ids import PostId
from services.api import answers, examples, queries
from services.api.operation import AnyRequest, Endpoint, Operation
from services.api.problems import NothingThere
from services.api.queries import PostQuery, ThreadQuery
from services.conversations.thread import Shape, Threads
from services.posts.read import read_post
from services.reading import Reader

READ_POST = Operation(
    id="readPost",
    path="/v1/posts/{post_id}",
    summary="A post",
    asks=PostQuery,
    answers=answers.Item,
    example=examples.POST,
    problems=(HTTPStatus.NOT_FOUND,),
)
READ_THREAD = Operation(
    id="readThread",
    path="/v1/posts/{post_id}/thread",
    summary="The conversation around a post, from its root, flat with depths",
    asks=ThreadQuery,
    answers=answers.Thread,
    example=examples.THREAD,
    problems=(HTTPStatus.NOT_FOUND,),
)


def endpoints(reader: Reader) -> list[Endpoint]:
    threads = Threads(reader)

    async def one_post(request: AnyRequest) -> Response[Any]:
        asked = queries.read(request, PostQuery)
        found = await read_post(reader, PostId(int(asked.post_id)), queries.viewer(asked.viewer))
        if found is None:
            raise NothingThere("no such post for this viewer")
        return Response(answers.item(found))

    async def thread(request: AnyRequest) -> Response[Any]:
        asked = queries.read(request, ThreadQuery)
        shape = Shape(asked.sort, asked.depth, asked.branches)
        post, viewer = PostId(int(asked.post_id)), queries.viewer(asked.viewer)
        found = await threads.read(post, viewer, shape)
        if found is None:
            raise NothingThere("no such post for this viewer")
        return Response(answers.Thread([answers.thread_item(each) for each in found]))

    return [Endpoint(READ_POST, one_post), Endpoint(READ_THREAD, thread)]
