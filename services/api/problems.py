"""Every answer that is no success, as RFC 9457 problem details."""

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
RETRY_AFTER = "1"  # seconds; a store that was away answers soon or for long not
RETRY_AFTER_FULL = "10"  # seconds; what fills a process lasts longer than a request

_log = structlog.get_logger(__name__)
_AnyRequest = Request[Any, Any, Any]


class Problem(Struct, frozen=True):
    """What went wrong (RFC 9457). `field` names the parameter that a 400 is about."""

    title: str
    status: int
    detail: str
    type: str = "about:blank"
    field: str | UnsetType = UNSET


class BadParameter(MingleError):
    """A parameter that the API does not take, and why; never its value."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field}: {why}")
        self.field = field


class NotFound(MingleError):
    """What does not exist, or may not be seen: the same answer for both."""


class AtCapacity(MingleError):
    """As much is asked of the process as it may do; another one may do it, or this one later."""


class Unauthenticated(MingleError):
    """Nobody in particular asks where somebody must, or the token is none; `why` to its bearer."""

    def __init__(self, why: str | None = None) -> None:
        super().__init__(why or "a token is needed")
        self.why = why


class Forbidden(MingleError):
    """The token lacks a scope."""

    def __init__(self, scope: str) -> None:
        super().__init__(f"the token lacks the scope {scope}")
        self.scope = scope


def problem_response(
    status: HTTPStatus,
    detail: str,
    headers: dict[str, str] | None = None,
    field: str | UnsetType = UNSET,
) -> Response[Problem]:
    """A problem as a response."""
    return Response(
        Problem(status.phrase, status, detail, field=field),
        status_code=status,
        headers=headers,
        media_type=PROBLEM_JSON,
    )


def _bad_parameter(_request: _AnyRequest, error: BadParameter) -> Response[Problem]:
    return problem_response(HTTPStatus.BAD_REQUEST, str(error), field=error.field)


def _nothing_there(_request: _AnyRequest, error: NotFound) -> Response[Problem]:
    return problem_response(HTTPStatus.NOT_FOUND, str(error))


def _unauthenticated(_request: _AnyRequest, error: Unauthenticated) -> Response[Problem]:
    """RFC 6750, 3: without a token no error is named, only what is asked for."""
    parts = {} if error.why is None else {"error": "invalid_token", "error_description": error.why}
    return problem_response(HTTPStatus.UNAUTHORIZED, str(error), _challenge(parts))


def _forbidden(_request: _AnyRequest, error: Forbidden) -> Response[Problem]:
    parts = {"error": "insufficient_scope", "scope": error.scope}
    return problem_response(HTTPStatus.FORBIDDEN, str(error), _challenge(parts))


def _challenge(parts: dict[str, str]) -> dict[str, str]:
    named = {"realm": REALM} | parts
    said = ", ".join(f'{name}="{value}"' for name, value in named.items())
    return {"WWW-Authenticate": f"Bearer {said}"}


def _away(_request: _AnyRequest, error: Transient) -> Response[Problem]:
    _log.warning("what a request needs did not answer", error=repr(error))
    return problem_response(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "a store, or the issuer of tokens, did not answer; the same request may succeed later",
        {"Retry-After": RETRY_AFTER},
    )


def _full(_request: _AnyRequest, error: AtCapacity) -> Response[Problem]:
    headers = {"Retry-After": RETRY_AFTER_FULL}
    return problem_response(HTTPStatus.SERVICE_UNAVAILABLE, str(error), headers)


def _refused(request: _AnyRequest, error: HTTPException) -> Response[Problem]:
    """What the framework refuses: unknown paths, other methods, bodies that are too large."""
    if error.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _bug(request, error)
    return problem_response(HTTPStatus(error.status_code), error.detail, error.headers)


def _bug(request: _AnyRequest, error: Exception) -> Response[Problem]:
    _log.error("a request met a bug", path=request.scope.get("path_template"), exc_info=error)
    return problem_response(HTTPStatus.INTERNAL_SERVER_ERROR, "a bug; it is in the log")


HANDLERS: ExceptionHandlersMap = {
    BadParameter: _bad_parameter,
    NotFound: _nothing_there,
    Unauthenticated: _unauthenticated,
    Forbidden: _forbidden,
    AtCapacity: _full,
    Transient: _away,
    HTTPException: _refused,
    Exception: _bug,
}
