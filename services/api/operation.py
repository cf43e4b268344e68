"""An endpoint: what the document says of it, and what answers."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, NamedTuple, TypeAlias

from litestar import Request, Response
from litestar.handlers import HTTPRouteHandler, get
from msgspec import Struct

from services.api import queries
from services.api.auth.access import Access, AccessGate

Json: TypeAlias = dict[str, Any]
AnyRequest: TypeAlias = Request[Any, Any, Any]
Handle: TypeAlias = Callable[[AnyRequest, Any, Any], Awaitable[Response[Any]]]
"""Answers an `Operation.query` as seen by a viewer: a UserId, or None for nobody."""

JSON = "application/json"


class Operation(NamedTuple):
    """One GET. A field of `query` is in the path where `{name}` says so, else a query parameter."""

    id: str
    path: str
    summary: str
    query: type[Struct]
    access: Access
    response: type[Struct] | None  # None: `media_type` alone says what comes
    example: object
    schema: Json | None = None  # of the response, where no struct describes it
    media_type: str = JSON
    problems: tuple[HTTPStatus, ...] = ()  # besides those that every operation has
    response_headers: tuple[str, ...] = ()  # of a success
    request_headers: tuple[str, ...] = ()  # headers of the request that mean something
    description: str = ""  # what the summary leaves open


class Endpoint(NamedTuple):
    operation: Operation
    handle: Handle

    def route(self, gate: AccessGate) -> HTTPRouteHandler:
        """The endpoint for the framework: nobody gets past the gate unseen."""
        operation, handle = self

        async def answer(request: AnyRequest) -> Response[Any]:
            caller = await gate.authenticate(request, operation.access)
            query = queries.read_query(request, operation.query)
            return await handle(request, query, gate.authorize(caller, operation.access, query))

        return get(operation.path.replace("}", ":str}"))(answer)
