"""The audit log: one line for each request that a scope of its caller's token allowed."""

from typing import Final, NamedTuple

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from schemas.ids import UserId
from services.api.auth.access import ACT_AS, OPERATE, Access
from services.api.auth.tokens import Caller

AUDIT_LOG: Final = "mingle.audit"
"""The logger of these lines, by which collectors tell them from others."""
_EVENT: Final = "a scope was used"
_USE: Final = "audited"  # in a request's state

_log = structlog.get_logger(AUDIT_LOG)


class ScopeUse(NamedTuple):
    """A use of a scope: by whom, and for whom if it was `act-as`."""

    scope: str
    subject: UserId
    viewer: UserId | None


def scope_use(caller: Caller | None, access: Access, viewer: UserId | None) -> ScopeUse | None:
    """Return what an authorized caller needed a scope for, None if they needed none."""
    if caller is None:
        return None
    if access == Access.OPERATOR:
        return ScopeUse(OPERATE, caller.subject, None)
    if viewer is not None and viewer != caller.subject:
        return ScopeUse(ACT_AS, caller.subject, viewer)
    return None


def note_scope_use(request: Scope, use: ScopeUse | None) -> None:
    """Have the request audited, if it was allowed by a scope."""
    request["state"][_USE] = use


def audit_requests(app: ASGIApp) -> ASGIApp:
    """Return the app with a line in the audit log for each request that used a scope.

    It is written when the answer begins, so that a stream has its line while it runs; without an
    answer, when the request ends. The id of the request is added as to every line about it.
    """

    async def audited(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        request: HTTPScope = scope
        written = False

        async def write_at_start(message: Message) -> None:
            nonlocal written
            if message["type"] == "http.response.start":
                written = True
                _write(request, int(message["status"]))
            await send(message)

        try:
            await app(scope, receive, write_at_start)
        finally:
            if not written:
                _write(request, None)

    return audited


def _write(request: HTTPScope, status: int | None) -> None:
    """Write the line: ids and a route's template, nothing else that the client sent."""
    use: ScopeUse | None = request.get("state", {}).get(_USE)
    if use is None:
        return
    _log.info(
        _EVENT,
        scope=use.scope,
        subject=str(use.subject),
        viewer=None if use.viewer is None else str(use.viewer),
        method=request["method"],
        route=request.get("path_template", "unknown"),
        status=status,
    )
