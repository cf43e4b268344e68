"""Errors as RFC 9457 problem details."""

from http import HTTPStatus
from typing import Any

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap
from msgspec import UNSET, Struct, UnsetType

from services.errors import MingleError, Transient

PROBLEM_JSON = "application/problem+json"
REALM = "mingle"
RETRY_AFTER = "1"  # seconds; a store that failed recovers soon or not for a long time
RETRY_AFTER_FULL = "10"  # seconds; what occupies a process lasts longer than a request

_log = structlog.get_logger(__name__)
_AnyRequest = Request[Any, Any, Any]


class Problem(Struct, frozen=True):
    """Problem details (RFC 9457). `field` names the parameter that a 400 is about."""

    title: str
    status: int
    detail: str
    type: str = "about:blank"
    field: str | UnsetType = UNSET


class BadParameter(MingleError):
    """A parameter is invalid; the message says why and never holds its value."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field}: {why}")
        self.field = field


class NotFound(MingleError):
    """Something does not exist or is hidden from the viewer; the answer is the same."""


class AtCapacity(MingleError):
    """The process is at its limit; another process, or the same one later, may have room."""


class TooManyRequests(MingleError):
    """The viewer, or the address, asks for more than their share; `retry_after` is in seconds."""

    def __init__(self, why: str, retry_after: int) -> None:
        super().__init__(why)
        self.retry_after = retry_after


class Unauthenticated(MingleError):
    """A required token is missing, or it is invalid and `why` tells the caller the reason."""

    def __init__(self, why: str | None = None) -> None:
        super().__init__(why or "a token is required")
        self.why = why


class Forbidden(MingleError):
    """The token lacks a required scope."""

    def __init__(self, scope: str) -> None:
        super().__init__(f"the token lacks the scope {scope}")
        self.scope = scope


def problem_response(
    status: HTTPStatus,
    detail: str,
    headers: dict[str, str] | None = None,
    field: str | UnsetType = UNSET,
) -> Response[Problem]:
    """Return a problem details response."""
    return Response(
        Problem(status.phrase, status, detail, field=field),
        status_code=status,
        headers={**(headers or {}), "Cache-Control": "no-store"},
        media_type=PROBLEM_JSON,
    )


def _bad_parameter(_request: _AnyRequest, error: BadParameter) -> Response[Problem]:
    return problem_response(HTTPStatus.BAD_REQUEST, str(error), field=error.field)


def _not_found(_request: _AnyRequest, error: NotFound) -> Response[Problem]:
    return problem_response(HTTPStatus.NOT_FOUND, str(error))


def _unauthenticated(_request: _AnyRequest, error: Unauthenticated) -> Response[Problem]:
    """Name no error if there was no token (RFC 6750, 3)."""
    parts = {} if error.why is None else {"error": "invalid_token", "error_description": error.why}
    return problem_response(HTTPStatus.UNAUTHORIZED, str(error), _challenge(parts))


def _forbidden(_request: _AnyRequest, error: Forbidden) -> Response[Problem]:
    parts = {"error": "insufficient_scope", "scope": error.scope}
    return problem_response(HTTPStatus.FORBIDDEN, str(error), _challenge(parts))


def _challenge(parts: dict[str, str]) -> dict[str, str]:
    named = {"realm": REALM} | parts
    attributes = ", ".join(f'{name}="{value}"' for name, value in named.items())
    return {"WWW-Authenticate": f"Bearer {attributes}"}


def _unavailable(_request: _AnyRequest, error: Transient) -> Response[Problem]:
    _log.warning("a store or the token issuer did not answer a request", error=repr(error))
    return problem_response(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "a store or the token issuer did not answer; try again later",
        {"Retry-After": RETRY_AFTER},
    )


def _at_capacity(_request: _AnyRequest, error: AtCapacity) -> Response[Problem]:
    headers = {"Retry-After": RETRY_AFTER_FULL}
    return problem_response(HTTPStatus.SERVICE_UNAVAILABLE, str(error), headers)


def _too_many_requests(_request: _AnyRequest, error: TooManyRequests) -> Response[Problem]:
    headers = {"Retry-After": str(error.retry_after)}
    return problem_response(HTTPStatus.TOO_MANY_REQUESTS, str(error), headers)


def _framework_error(request: _AnyRequest, error: HTTPException) -> Response[Problem]:
    """Answer errors of the framework: unknown paths, other methods, too large bodies."""
    if error.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _internal_error(request, error)
    return problem_response(HTTPStatus(error.status_code), error.detail, error.headers)


def _internal_error(request: _AnyRequest, error: Exception) -> Response[Problem]:
    _log.error(
        "a request failed because of a bug", path=request.scope.get("path_template"), exc_info=error
    )
    return problem_response(
        HTTPStatus.INTERNAL_SERVER_ERROR, "an internal error; the server log has the details"
    )


HANDLERS: ExceptionHandlersMap = {
    BadParameter: _bad_parameter,
    NotFound: _not_found,
    Unauthenticated: _unauthenticated,
    Forbidden: _forbidden,
    AtCapacity: _at_capacity,
    TooManyRequests: _too_many_requests,
    Transient: _unavailable,
    HTTPException: _framework_error,
    Exception: _internal_error,
}
