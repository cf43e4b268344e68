"""Access control: the viewer is the token's subject, unless a scope allows another."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, TypeAlias

from litestar import Request
from msgspec import Struct

from schemas.ids import UserId
from services.api.auth.tickets import Tickets
from services.api.auth.tokens import Caller, TokenVerifier
from services.api.problems import Forbidden, Unauthenticated

_AnyRequest: TypeAlias = Request[Any, Any, Any]

ACT_AS: Final = "act-as"
"""The scope that lets `/users/{id}/…` and `viewer=` name a user other than the subject."""
OPERATE: Final = "operate"
"""The scope of the operators' paths."""
_SCHEME: Final = "bearer"


class Access(Enum):
    """The access that an operation requires of its caller."""

    OPEN = "nothing: tokens are ignored"
    READER = "the viewer is `viewer`, else the token's subject, else nobody: public posts only"
    OWNER = "the viewer is `user_id`"
    TICKET = "the viewer is `user_id`; where no token is sent, `ticket` stands for it"
    OPERATOR = "a token with the scope `operate`"


@dataclass(frozen=True)
class AccessGate:
    """Authenticates callers; without `tokens` it lets everybody in as whoever they claim to be."""

    tokens: TokenVerifier | None
    tickets: Tickets

    async def authenticate(self, request: _AnyRequest, access: Access) -> Caller | None:
        """Return the caller, None without a token. Raises Unauthenticated, IssuerUnavailable."""
        return await self._caller(request, access, self.tickets.admit)

    async def authenticate_again(self, request: _AnyRequest, access: Access) -> Caller | None:
        """Return the caller of a request that was admitted, if it still would be.

        Whom a ticket let in stays until their token ends. Raises as `authenticate` does.
        """
        return await self._caller(request, access, self.tickets.holder)

    async def _caller(
        self, request: _AnyRequest, access: Access, take: Callable[[str, str], Caller]
    ) -> Caller | None:
        if self.tokens is None or access == Access.OPEN:
            return None
        token = bearer_token(request.headers.getall("authorization", []))
        if token is not None:
            return await self.tokens.verify(token)
        if access == Access.TICKET and (ticket := request.query_params.get("ticket")):
            return take(request.scope["path"], ticket)
        if access != Access.READER:
            raise Unauthenticated
        return None

    def authorize(self, caller: Caller | None, access: Access, query: Struct) -> UserId | None:
        """Return the viewer, None for nobody. Raises Unauthenticated, Forbidden."""
        if access == Access.OPERATOR and caller is not None and OPERATE not in caller.scopes:
            raise Forbidden(OPERATE)
        if access not in _NAMED_BY:
            return None
        name: str | None = getattr(query, _NAMED_BY[access])
        if name is None:
            return None if caller is None else caller.subject
        viewer = UserId(int(name))
        if self.tokens is not None:
            _check_may_act_as(caller, viewer)
        return viewer


_NAMED_BY: Final = {
    Access.READER: "viewer",
    Access.OWNER: "user_id",
    Access.TICKET: "user_id",
}


def bearer_token(authorization: Sequence[str]) -> str | None:
    """Return the token of an `Authorization` header, None without one. Raises Unauthenticated."""
    if not authorization:
        return None
    if len(authorization) > 1:
        raise Unauthenticated("more than one Authorization header")
    scheme, _, token = authorization[0].partition(" ")
    if scheme.lower() != _SCHEME or not token.strip():
        raise Unauthenticated("expected `Bearer` and a token")
    return token.strip()


def _check_may_act_as(caller: Caller | None, viewer: UserId) -> None:
    if caller is None:
        raise Unauthenticated
    if caller.subject != viewer and ACT_AS not in caller.scopes:
        raise Forbidden(ACT_AS)
