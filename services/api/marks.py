"""The endpoint of read marks."""

from typing import Any

from litestar import Response

from schemas.ids import PostId, UserId
from services.api import examples, mark_answers
from services.api.auth.access import Access
from services.api.cursors import Cursors
from services.api.operation import AnyRequest, Endpoint, Operation
from services.api.pages import Pager
from services.api.queries import MarksQuery
from services.readers.marks import MarkPlace, ReadMarksReader
from services.relations.mutation import SubjectKind

READ_MARKS = Operation(
    id="readMarks",
    path="/v1/users/{user_id}/marks",
    summary="List how far a user has read home and conversations, and what they set aside",
    query=MarksQuery,
    access=Access.OWNER,
    response=mark_answers.MarkPage,
    example=examples.MARKS,
)


def endpoints(marks: ReadMarksReader, cursors: Cursors) -> list[Endpoint]:
    async def read_marks(_: AnyRequest, query: MarksQuery, viewer: UserId) -> Response[Any]:
        pager = Pager(cursors, f"marks/{viewer}")
        start = pager.open_cursor("before", query.before)
        after = None if start is None else _place(start.position)
        found, last = await marks.page(viewer, after, query.limit)
        items = [mark_answers.read_mark(each) for each in found]
        older = None if last is None else _position(last)
        return Response(mark_answers.MarkPage(items, pager.cursor_at(older)))

    return [Endpoint(READ_MARKS, read_marks)]


def _position(place: MarkPlace) -> int:
    """Return a position that fits into a cursor: a post has up to two marks."""
    post, kind = place
    return 2 * post + (kind == SubjectKind.SET_ASIDE)


def _place(position: int) -> MarkPlace:
    post, aside = divmod(position, 2)
    return PostId(post), SubjectKind.SET_ASIDE if aside else SubjectKind.READ
