"""The endpoint that streams a home timeline's changes."""

from typing import Any

from litestar import Response

from schemas.ids import MAX_ID, UserId
from services.api import answers
from services.api.auth.access import AccessGate
from services.api.auth.tickets import TICKET_SECONDS
from services.api.cursors import Cursors, InvalidCursor
from services.api.operation import AnyRequest, Endpoint
from services.api.problems import BadParameter
from services.api.queries import StreamQuery, TicketQuery
from services.api.stream.changes import ReaderState
from services.api.stream.document import LAST_EVENT_ID, READ_TICKET, STREAM_HOME
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
            caller = await gate.authenticate_again(request, STREAM_HOME.access)
            gate.authorize(caller, STREAM_HOME.access, query)
            return await returning.page(viewer, page_request)

        state = _reader_state(cursors, viewer, request, query)
        shape = StreamShape(query.limit, query.hydrate)
        watcher = HomeWatcher(read, cursors, viewer, shape, state)
        return EventStream(streams, watcher)

    async def read_ticket(request: AnyRequest, _: TicketQuery, viewer: UserId) -> Response[Any]:
        caller = await gate.authenticate(request, READ_TICKET.access)
        path = STREAM_HOME.path.format(user_id=viewer)
        ticket = gate.tickets.give(path, viewer, MAX_ID if caller is None else caller.until)
        return Response(answers.Ticket(ticket, TICKET_SECONDS))

    return [Endpoint(STREAM_HOME, stream_home), Endpoint(READ_TICKET, read_ticket)]


def _reader_state(
    cursors: Cursors, viewer: UserId, request: AnyRequest, query: StreamQuery
) -> ReaderState | None:
    """Return the state that the client resumes from, None without. Raises BadParameter."""
    name, ids = LAST_EVENT_ID, request.headers.getall(LAST_EVENT_ID, [])
    if not ids and query.last_event_id is not None:
        name, ids = "last_event_id", [query.last_event_id]
    if not ids:
        return None
    if len(ids) > 1:
        raise BadParameter(name, "given more than once")
    try:
        return unseal(cursors, stream_listing(viewer), ids[0])
    except InvalidCursor as error:
        raise BadParameter(name, str(error)) from None
