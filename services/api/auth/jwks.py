"""JSON Web Key Sets (RFC 7517): their keys that may sign tokens."""

from typing import Any, Final, NamedTuple

import jwt
import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK

from services.errors import MingleError

MAX_BYTES: Final = 256 * 1024
"""Largest key set: a hundred keys with their certificates."""
MIN_RSA_BITS: Final = 2_048  # RFC 7518, 3.3
_ALGORITHMS: Final = {("RSA", None): "RS256", ("EC", "P-256"): "ES256", ("OKP", "Ed25519"): "EdDSA"}


class BadKeySet(MingleError):
    """A document is not a key set, or has no key that may sign tokens."""


class KeyName(NamedTuple):
    """The key id and algorithm in a token's header."""

    id: str | None
    algorithm: str


def read_keys(document: bytes) -> dict[KeyName, PyJWK]:
    """Return the public keys of a key set that may sign tokens, by id and algorithm.

    Skips keys that are private, too short, of another type or for encryption. Raises BadKeySet.
    """
    if len(document) > MAX_BYTES:
        raise BadKeySet(f"a key set of more than {MAX_BYTES} bytes")
    try:
        keys = msgspec.json.decode(document)["keys"]
    except (msgspec.DecodeError, LookupError, TypeError, RecursionError):
        raise BadKeySet("not a JSON Web Key Set") from None
    if not isinstance(keys, list):
        raise BadKeySet("not a JSON Web Key Set")
    found = dict(named for each in keys if (named := _parse_key(each)) is not None)
    if not found:
        raise BadKeySet("a key set without a public key for RS256, ES256 or EdDSA")
    return found


def _parse_key(described: Any) -> tuple[KeyName, PyJWK] | None:
    algorithm = _algorithm(described)
    if algorithm is None:
        return None
    try:
        key = PyJWK(described, algorithm)
    except (jwt.PyJWTError, UnsupportedAlgorithm, ValueError, TypeError):
        return None
    if isinstance(key.key, RSAPublicKey) and key.key.key_size < MIN_RSA_BITS:
        return None
    return KeyName(described.get("kid"), algorithm), key


def _algorithm(described: Any) -> str | None:
    """Return the algorithm of a key, None if the key may not be used."""
    if not isinstance(described, dict) or "d" in described:  # "d" is a private key
        return None
    if not all(isinstance(described.get(each, ""), str) for each in ("kid", "kty", "crv", "alg")):
        return None
    algorithm = _ALGORITHMS.get((described.get("kty", ""), described.get("crv")))
    signs = described.get("use", "sig") == "sig" and _may_verify(described.get("key_ops"))
    return algorithm if signs and described.get("alg", algorithm) == algorithm else None


def _may_verify(operations: object) -> bool:
    return operations is None or (isinstance(operations, list) and "verify" in operations)
