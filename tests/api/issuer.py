"""A token issuer for tests, with its keys, tokens and published key sets."""

import json
from collections.abc import Sequence
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from tests.api.village import NOW

SECRET = "a secret that only the issuer and the API know"
AUDIENCE, ISSUER = "mingle", "https://issuer.example"
JWKS = {"auth_issuer": ISSUER, "auth_audience": AUDIENCE, "auth_leeway_seconds": 0}
Json = dict[str, Any]


class Signer:
    """A key pair of the issuer."""

    def __init__(self, kid: str | None, algorithm: str = "ES256") -> None:
        self.kid, self.algorithm = kid, algorithm
        self._private: Any
        match algorithm:
            case "ES256":
                self._private = ec.generate_private_key(ec.SECP256R1())
                self._published = ECAlgorithm.to_jwk(self._private.public_key())
            case "RS256":
                self._private = rsa.generate_private_key(65_537, 2_048)
                self._published = RSAAlgorithm.to_jwk(self._private.public_key())
            case _:
                self._private = ed25519.Ed25519PrivateKey.generate()
                self._published = OKPAlgorithm.to_jwk(self._private.public_key())

    @property
    def published(self) -> Json:
        described: Json = json.loads(self._published)
        return described | ({"kid": self.kid} if self.kid else {})

    def token(self, subject: object = 1, **claims: Any) -> str:
        headers = {"kid": self.kid} if self.kid else None
        said = claims_of(subject, iss=ISSUER, aud=AUDIENCE) | claims
        return jwt.encode(said, self._private, self.algorithm, headers)


def claims_of(subject: object, **claims: Any) -> Json:
    """Return claims that are valid for an hour; a claim of None is left out."""
    said = {"sub": str(subject), "exp": NOW // 1_000 + 3_600} | claims
    return {name: value for name, value in said.items() if value is not None}


def key_set(*published: Json | Signer) -> bytes:
    described = [each.published if isinstance(each, Signer) else each for each in published]
    return json.dumps({"keys": described}).encode()


def token(subject: object = 1, secret: str = SECRET, **claims: Any) -> str:
    """Return a token signed with the shared secret."""
    return jwt.encode(claims_of(subject) | claims, secret, "HS256")


def bearer(subject: object = 1, scopes: Sequence[str] = (), **claims: Any) -> dict[str, str]:
    """Return the request header for a token."""
    return {"Authorization": f"Bearer {token(subject, scope=' '.join(scopes), **claims)}"}
