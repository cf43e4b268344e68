"""The endpoint of what happened in a home since its owner last looked."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from litestar import Response

from schemas.ids import PostId, UserId
from services.api import examples
from services.api.auth.access import Access
from services.api.catch_up_answers import CatchUp, catch_up_answer
from services.api.cursors import Cursors
from services.api.operation import AnyRequest, Endpoint, Operation
from services.api.page_position import bare_position
from services.api.pages import author_listing
from services.api.problems import AtCapacity
from services.api.queries import CatchUpQuery
from services.readers.catch_up import CatchUpReader
from services.readers.returning import ReturningUsers

AT_ONCE: Final = 4
"""Catch-ups that one process reads at a time: each may hold 20,000 entries and 2,000 posts, 15 MB,
and takes a core for as long as it reads."""
WAIT_SECONDS: Final = 5.0
"""How long another one waits for its turn."""

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
    slots = asyncio.Semaphore(AT_ONCE)

    async def read_catch_up(_: AnyRequest, query: CatchUpQuery, viewer: UserId) -> Response[Any]:
        since = None if query.since is None else _milliseconds(query.since)
        async with _turn(slots):
            found = await returning.catch_up(viewer, partial(reader.read, viewer, since))

        def author_cursor(author: UserId, newest: PostId) -> str:
            place = bare_position(PostId(newest + 1))
            return cursors.seal(author_listing(author, viewer), place)

        return Response(catch_up_answer(found, author_cursor))

    return [Endpoint(READ_CATCH_UP, read_catch_up)]


@asynccontextmanager
async def _turn(slots: asyncio.Semaphore) -> AsyncIterator[None]:
    """Wait for a slot and hold it. Raises AtCapacity after WAIT_SECONDS."""
    try:
        await asyncio.wait_for(slots.acquire(), WAIT_SECONDS)
    except TimeoutError:
        raise AtCapacity("this process reads as many catch-ups as it can") from None
    try:
        yield
    finally:
        slots.release()


def _milliseconds(time: datetime) -> int:
    """Return a time since the Unix epoch, rounded up."""
    return -((time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=-1))
