"""The endpoint of what happened in a home since its owner last looked."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from litestar import Response

from schemas.ids import PostId, UserId
from services.api import examples
from services.api.auth.access import Access
from services.api.catch_up_answers import CatchUp, catch_up_answer
from services.api.cursors import Cursors
from services.api.operation import AnyRequest, Endpoint, Operation
from services.api.page_position import bare_position
from services.api.pages import author_listing
from services.api.queries import CatchUpQuery
from services.api.turns import Turns
from services.readers.catch_up import CatchUpReader
from services.readers.returning import ReturningUsers

READ_CATCH_UP = Operation(
    id="readCatchUp",
    path="/v1/users/{user_id}/catch-up",
    summary="Sum up what happened in a home since its owner last looked",
    query=CatchUpQuery,
    access=Access.OWNER,
    response=CatchUp,
    example=examples.CATCH_UP,
)


def endpoints(reader: CatchUpReader, returning: ReturningUsers, cursors: Cursors) -> list[Endpoint]:
    turns = Turns("catch-ups")  # of up to 20,000 entries and 2,000 posts, 15 MB

    async def read_catch_up(_: AnyRequest, query: CatchUpQuery, viewer: UserId) -> Response[Any]:
        since = None if query.since is None else _milliseconds(query.since)
        async with turns.turn():
            found = await returning.catch_up(viewer, partial(reader.read, viewer, since))

        def author_cursor(author: UserId, newest: PostId) -> str:
            place = bare_position(PostId(newest + 1))
            return cursors.seal(author_listing(author, viewer), place)

        return Response(catch_up_answer(found, author_cursor))

    return [Endpoint(READ_CATCH_UP, read_catch_up)]


def _milliseconds(time: datetime) -> int:
    """Return a time since the Unix epoch, rounded up."""
    return -((time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=-1))
