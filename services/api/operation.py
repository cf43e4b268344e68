"""An endpoint: its documented operation and its handler."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
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
"""Answers a request, given its `Operation.query` and its viewer: a UserId, or None for nobody."""

JSON = "application/json"


class Operation(NamedTuple):
    """One GET. A field of `query` is in the path if `{name}` is, else in the query string."""

    id: str
    path: str
    summary: str
    access: Access
    example: object  # of a response
    query: type[Struct] = queries.NoQuery
    response: type[Struct] | None = None  # None: `media_type` or `schema` describes it
    schema: Json | None = None  # of the response, where no struct describes it
    media_type: str = JSON
    problems: tuple[HTTPStatus, ...] = ()  # besides those of every operation
    response_headers: tuple[str, ...] = ()  # of a success
    request_headers: tuple[str, ...] = ()  # with a meaning for this operation
    description: str = ""  # beyond the summary


@dataclass(frozen=True)
class Endpoint:
    operation: Operation
    handle: Handle

    def route(self, gate: AccessGate) -> HTTPRouteHandler:
        """Return the framework's handler, which first passes each request through the gate."""
        operation, handle = self.operation, self.handle

        async def answer(request: AnyRequest) -> Response[Any]:
            caller = await gate.authenticate(request, operation.access)
            query = queries.read_query(request, operation.query)
            return await handle(request, query, gate.authorize(caller, operation.access, query))

        return get(operation.path.replace("}", ":str}"))(answer)
