"""An endpoint: its documented operation and its handler."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import blake2b
from http import HTTPStatus
from typing import Any, NamedTuple, TypeAlias

import msgspec
from litestar import HttpMethod, Request, Response
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from schemas.ids import UserId
from services.api import queries
from services.api.auth.access import Access, AccessGate
from services.api.auth.audit import note_scope_use, scope_use
from services.api.auth.tokens import Caller
from services.api.compression import compressed
from services.api.parameters import read_query
from services.api.rates import Rates, network_of

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
    tagged: bool = False  # one thing with an id: its ETag saves sending it again


@dataclass(frozen=True)
class Endpoint:
    operation: Operation
    handle: Handle

    def route(self, gate: AccessGate, rates: Rates) -> HTTPRouteHandler:
        """Return the framework's handler, which first passes each request through the gate."""
        operation, handle = self.operation, self.handle

        async def answer(request: AnyRequest) -> Response[Any]:
            query, viewer = await _admit(request, operation, gate, rates)
            response = await handle(request, query, viewer)
            personal = operation.access in _PERSONAL or viewer is not None
            if personal:
                response.headers["Cache-Control"] = "no-store"
            elif operation.tagged:
                response.headers["Cache-Control"] = "no-cache"
            if operation.tagged:
                response = _with_tag(request, response)
            if personal and operation.access != Access.OPERATOR:
                return response
            return compressed(request, response, keep=operation.access == Access.OPEN)

        path = operation.path.replace("}", ":str}")
        methods = [HttpMethod.GET, HttpMethod.HEAD]
        return HTTPRouteHandler(path, http_method=methods, status_code=HTTPStatus.OK)(answer)


_PERSONAL = frozenset({Access.OWNER, Access.TICKET, Access.OPERATOR})
_ANYBODY = "nobody"


async def _admit(
    request: AnyRequest, operation: Operation, gate: AccessGate, rates: Rates
) -> tuple[Struct, UserId | None]:
    """Return the query and the viewer. Raises for what is wrong, and TooManyRequests.

    Probes have no rate: they may come from the address of a proxy, and must be answered.
    """
    caller: Caller | None = None
    viewer: UserId | None = None
    try:
        caller = await gate.authenticate(request, operation.access)
        query = read_query(request, operation.path, operation.query)
        viewer = gate.authorize(caller, operation.access, query)
        note_scope_use(request.scope, scope_use(caller, operation.access, viewer))
    finally:
        if operation.access != Access.OPEN:
            subject = viewer or (caller and caller.subject)
            rates.take(f"viewer {subject}" if subject else _address(request))
    return query, viewer


def _address(request: AnyRequest) -> str:
    return network_of(request.client.host) if request.client else _ANYBODY


def _with_tag(request: AnyRequest, response: Response[Any]) -> Response[Any]:
    """Return the response with its ETag, or 304 if the client has it already."""
    body = msgspec.json.encode(response.content)
    tag = f'"{blake2b(body, digest_size=16).hexdigest()}"'
    headers = {**response.headers, "ETag": tag}
    given = request.headers.get("if-none-match", "")
    if any(each.strip().removeprefix("W/") in {tag, "*"} for each in given.split(",")):
        return Response(None, status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(body, media_type=JSON, headers=headers)
