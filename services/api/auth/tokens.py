"""Tokens: who a bearer is and what he may do (RFC 7519, judged as RFC 8725 advises)."""

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import jwt
from jwt import PyJWK

from schemas.ids import UserId
from services.api.auth.jwks import KeyName
from services.api.auth.keys import Keys
from services.api.problems import Unauthenticated
from services.api.queries import is_id
from services.clock import Clock

MAX_CHARACTERS: Final = 8_192
"""Of a token: what proxies let pass in one header."""
_CLAIMS: Final[Any] = {
    "require": ["exp", "sub"],
    # Times are compared here, with a clock that is passed in.
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
}


class Caller(NamedTuple):
    """Whose token it is, and its scopes."""

    subject: UserId
    scopes: frozenset[str]


class TokenVerifier(NamedTuple):
    """Judges tokens: of these keys, for this audience, by this issuer."""

    keys: Keys
    clock: Clock
    leeway_seconds: float = 0
    audience: str | None = None
    issuer: str | None = None

    async def verify(self, token: str) -> Caller:
        """The bearer of a token. Raises Unauthenticated, or IssuerUnavailable."""
        name = self._key_name(token)
        key = await self.keys.find(name)
        if key is None:
            raise Unauthenticated("no key of the issuer has signed this token")
        claims = self._claims(token, key)
        self._check_times(claims)
        subject = claims["sub"]
        if not is_id(subject):
            raise Unauthenticated("the subject is not a user id")
        return Caller(UserId(int(subject)), frozenset(_scopes(claims)))

    def _key_name(self, token: str) -> KeyName:
        """What the header says, which nobody has vouched for yet."""
        if len(token) > MAX_CHARACTERS:
            raise Unauthenticated("not a token")
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, ValueError):
            raise Unauthenticated("not a token") from None
        name = KeyName(header.get("kid"), header.get("alg", ""))
        if not isinstance(name.algorithm, str) or name.algorithm not in self.keys.algorithms:
            raise Unauthenticated("signed with an algorithm that is not taken")
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
            raise Unauthenticated("for another audience") from None
        except jwt.InvalidIssuerError:
            raise Unauthenticated("by another issuer") from None
        except jwt.MissingRequiredClaimError as error:
            raise Unauthenticated(f"without the claim {error.claim}") from None
        except (jwt.PyJWTError, ValueError):
            raise Unauthenticated("no key of the issuer has signed this token") from None
        return claims

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        now = self.clock() / 1_000
        if now >= _time(claims, "exp") + self.leeway_seconds:
            raise Unauthenticated("expired")
        if "nbf" in claims and now < _time(claims, "nbf") - self.leeway_seconds:
            raise Unauthenticated("not valid yet")


def _time(claims: Mapping[str, Any], name: str) -> float:
    """Seconds since 1970; not a number, too large or infinite is no time."""
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Unauthenticated(f"the claim {name} is not a time")
    return value


def _scopes(claims: Mapping[str, Any]) -> Iterable[str]:
    """`scope` (RFC 8693) and `scp`, each as words in a string or as a list of strings."""
    for name in ("scope", "scp"):
        given = claims.get(name, "")
        words = given.split() if isinstance(given, str) else given
        if not isinstance(words, list) or not all(isinstance(each, str) for each in words):
            raise Unauthenticated(f"the claim {name} is not a list of scopes")
        yield from words
