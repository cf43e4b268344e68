"""The endpoint that streams a home timeline's changes."""

from typing import Any

from litestar import Response

from schemas.ids import UserId
from services.api.auth.access import AccessGate
from services.api.cursors import Cursors, InvalidCursor
from services.api.operation import AnyRequest, Endpoint
from services.api.problems import BadParameter
from services.api.queries import StreamQuery
from services.api.stream.changes import ReaderState
from services.api.stream.document import LAST_EVENT_ID, STREAM_HOME
from services.api.stream.resume import unseal
from services.api.stream.stream import EventStream
from services.api.stream.streams import Streams
from services.api.stream.watcher import HomeWatcher, StreamShape, stream_listing
from services.readers.paging import Page, PageRequest
from services.readers.returning import ReturningUsers


def endpoints(
    returning: ReturningUsers, cursors: Cursors, gate: AccessGate, streams: Streams
) -> list[Endpoint]:
    async def stream_home(request: AnyRequest, query: StreamQuery, viewer: UserId) -> Response[Any]:
        async def read(page_request: PageRequest) -> Page:
            caller = await gate.authenticate(request, STREAM_HOME.access)
            gate.authorize(caller, STREAM_HOME.access, query)
            return await returning.page(viewer, page_request)

        state = _reader_state(cursors, viewer, request.headers.getall(LAST_EVENT_ID, []))
        shape = StreamShape(query.limit, query.hydrate)
        watcher = HomeWatcher(read, cursors, viewer, shape, state)
        return EventStream(streams, watcher)

    return [Endpoint(STREAM_HOME, stream_home)]


def _reader_state(cursors: Cursors, viewer: UserId, ids: list[str]) -> ReaderState | None:
    """Return the state that the client resumes from, None without. Raises BadParameter."""
    if not ids:
        return None
    if len(ids) > 1:
        raise BadParameter(LAST_EVENT_ID, "given more than once")
    try:
        return unseal(cursors, stream_listing(viewer), ids[0])
    except InvalidCursor as error:
        raise BadParameter(LAST_EVENT_ID, str(error)) from None
