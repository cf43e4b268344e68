"""An endpoint: what the document says of it, and what answers."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, NamedTuple, TypeAlias

from litestar import Request, Response
from litestar.handlers import HTTPRouteHandler, get
from msgspec import Struct

AnyRequest: TypeAlias = Request[Any, Any, Any]
Handle: TypeAlias = Callable[[AnyRequest], Awaitable[Response[Any]]]

JSON = "application/json"


class Operation(NamedTuple):
    """One GET. `{name}` in the path is a field of `asks`; its other fields are in the query."""

    id: str
    path: str
    summary: str
    asks: type[Struct]
    answers: type[Struct] | None  # None: `media_type` alone says what comes
    example: object
    media_type: str = JSON
    problems: tuple[HTTPStatus, ...] = ()  # besides those that every operation has
    headers: tuple[str, ...] = ()  # of a success


class Endpoint(NamedTuple):
    operation: Operation
    handle: Handle

    def route(self) -> HTTPRouteHandler:
        """The endpoint for the framework, which leaves reading parameters to it."""
        handle = self.handle

        async def answer(request: AnyRequest) -> Response[Any]:
            return await handle(request)

        return get(self.operation.path.replace("}", ":str}"))(answer)
