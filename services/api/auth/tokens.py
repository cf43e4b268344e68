"""Verifies JSON Web Tokens (RFC 7519) as RFC 8725 recommends."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import jwt
from jwt import PyJWK

from schemas.ids import UserId
from services.api.auth.jwks import KeyName
from services.api.auth.keys import Keys
from services.api.parameters import is_id
from services.api.problems import Unauthenticated
from services.clock import Clock

MAX_CHARACTERS: Final = 8_192
"""Longest token: what proxies accept in one header."""
LATEST_SECONDS: Final = 2**53
"""Largest time in a token: beyond it, sums with it are not exact."""
_CLAIMS: Final[Any] = {
    "require": ["exp", "sub"],
    # Subjects and times are checked below, the times with the injected clock.
    **dict.fromkeys(("verify_sub", "verify_jti", "verify_exp", "verify_nbf", "verify_iat"), False),
}


class Caller(NamedTuple):
    """The subject and scopes of a token, and until when it is good, in milliseconds since 1970."""

    subject: UserId
    scopes: frozenset[str]
    until: int


@dataclass(frozen=True)
class TokenVerifier:
    """Verifies tokens signed with these keys, for this audience, by this issuer."""

    keys: Keys
    clock: Clock
    leeway_seconds: float = 0
    audience: str | None = None
    issuer: str | None = None

    async def verify(self, token: str) -> Caller:
        """Return the caller that a token names. Raises Unauthenticated, IssuerUnavailable."""
        name = self._key_name(token)
        key = await self.keys.find(name)
        if key is None:
            raise Unauthenticated("not signed with a key of the issuer")
        claims = self._claims(token, key)
        until = self._check_times(claims)
        subject = claims["sub"]
        if not isinstance(subject, str):
            raise Unauthenticated("the claim sub is not a string")
        if not is_id(subject):
            raise Unauthenticated("the subject is not a user id")
        return Caller(UserId(int(subject)), frozenset(_scopes(claims)), until)

    def _key_name(self, token: str) -> KeyName:
        """Return the key name in the header, which is not verified yet."""
        if len(token) > MAX_CHARACTERS:
            raise Unauthenticated("not a token")
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, ValueError):
            raise Unauthenticated("not a token") from None
        name = KeyName(header.get("kid"), header.get("alg", ""))
        if not isinstance(name.algorithm, str) or name.algorithm not in self.keys.algorithms:
            raise Unauthenticated("signed with an unsupported algorithm")
        return name

    def _claims(self, token: str, key: PyJWK) -> Mapping[str, Any]:
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],
                audience=self.audience,
                issuer=self.issuer,
                options=_CLAIMS,
            )
        except jwt.InvalidAudienceError:
            raise Unauthenticated("issued for another audience") from None
        except jwt.InvalidIssuerError:
            raise Unauthenticated("issued by another issuer") from None
        except jwt.MissingRequiredClaimError as error:
            raise Unauthenticated(f"the claim {error.claim} is missing") from None
        except jwt.InvalidSignatureError:
            raise Unauthenticated("not signed with a key of the issuer") from None
        except (jwt.PyJWTError, ValueError):
            raise Unauthenticated("not a token") from None
        return claims

    def _check_times(self, claims: Mapping[str, Any]) -> int:
        """Return until when a token is good, in milliseconds. Raises Unauthenticated."""
        now, until = self.clock(), int(1_000 * (_time(claims, "exp") + self.leeway_seconds))
        if now >= until:
            raise Unauthenticated("expired")
        if "nbf" in claims and now / 1_000 < _time(claims, "nbf") - self.leeway_seconds:
            raise Unauthenticated("not valid yet")
        return until


def _time(claims: Mapping[str, Any], name: str) -> float:
    """Return a time in seconds since 1970. Raises Unauthenticated unless it is such a number."""
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unauthenticated(f"the claim {name} is not a time")
    if not -LATEST_SECONDS <= value <= LATEST_SECONDS:
        raise Unauthenticated(f"the claim {name} is not a time")
    return value


def _scopes(claims: Mapping[str, Any]) -> Iterable[str]:
    """Yield the scopes in `scope` (RFC 8693) and `scp`, each a string of words or a list."""
    for name in ("scope", "scp"):
        given = claims.get(name, "")
        words = given.split() if isinstance(given, str) else given
        if not isinstance(words, list) or not all(isinstance(each, str) for each in words):
            raise Unauthenticated(f"the claim {name} is not a list of scopes")
        yield from words
