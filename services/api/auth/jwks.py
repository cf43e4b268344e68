"""JSON Web Key Sets (RFC 7517): which of their keys may sign tokens, and for which algorithm."""

from typing import Any, Final, NamedTuple

import jwt
import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK

from services.errors import MingleError

MAX_BYTES: Final = 256 * 1024
"""Of a key set: a hundred keys with their certificates."""
MIN_RSA_BITS: Final = 2_048  # RFC 7518, 3.3
_ALGORITHMS: Final = {("RSA", None): "RS256", ("EC", "P-256"): "ES256", ("OKP", "Ed25519"): "EdDSA"}


class BadKeySet(MingleError):
    """No key set, or one without a key that may sign tokens."""


class KeyName(NamedTuple):
    """What a token's header says of its key."""

    id: str | None
    algorithm: str


def read_keys(document: bytes) -> dict[KeyName, PyJWK]:
    """The public keys of a key set that may sign; of each only the algorithm of its kind.

    What is for encryption, secret, of another kind or too short is passed over. Raises BadKeySet.
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
    """What a key may sign; None for one that is not ours to use."""
    if not isinstance(described, dict) or "d" in described:  # a private key is nobody's to publish
        return None
    if not all(isinstance(described.get(each, ""), str) for each in ("kid", "kty", "crv", "alg")):
        return None
    algorithm = _ALGORITHMS.get((described.get("kty", ""), described.get("crv")))
    signs = described.get("use", "sig") == "sig" and _may_verify(described.get("key_ops"))
    return algorithm if signs and described.get("alg", algorithm) == algorithm else None


def _may_verify(operations: object) -> bool:
    return operations is None or (isinstance(operations, list) and "verify" in operations)
