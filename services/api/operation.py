"""An endpoint: what the document says of it, and what answers."""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple, TypeAlias

from litestar import Request, Response
from litestar.handlers import HTTPRouteHandler, get
from msgspec import Struct

from services.api import queries
from services.api.auth.access import Access, AccessGate

AnyRequest: TypeAlias = Request[Any, Any, Any]
Handle: TypeAlias = Callable[[AnyRequest, Any, Any], Awaitable[Response[Any]]]
"""Answers what is asked (an `Operation.asks`) as seen by a viewer: a UserId, or None for nobody."""

JSON = "application/json"


class Operation(NamedTuple):
    """One GET. `{name}` in the path is a field of `asks`; its other fields are in the query."""

    id: str
    path: str
    summary: str
    asks: type[Struct]
    access: Access
    answers: type[Struct] | None  # None: `media_type` alone says what comes
    example: object
    schema: Mapping[str, Any] | None = None  # of what comes, where no struct says it
    media_type: str = JSON
    problems: tuple[HTTPStatus, ...] = ()  # besides those that every operation has
    headers: tuple[str, ...] = ()  # of a success
    takes: tuple[str, ...] = ()  # headers of the request that mean something
    description: str = ""  # what the summary leaves open


class Endpoint(NamedTuple):
    operation: Operation
    handle: Handle

    def route(self, gate: AccessGate) -> HTTPRouteHandler:
        """The endpoint for the framework: nobody gets past the gate unseen."""
        operation, handle = self

        async def answer(request: AnyRequest) -> Response[Any]:
            caller = await gate.caller(request, operation.access)
            asked = queries.read_query(request, operation.asks)
            return await handle(request, asked, gate.viewer(caller, operation.access, asked))

        return get(operation.path.replace("}", ":str}"))(answer)
