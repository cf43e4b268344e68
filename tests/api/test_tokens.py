"""Only tokens that the issuer signed are accepted, exactly as signed."""

import base64
import contextlib
import hmac
import json
from dataclasses import replace
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.ids import MAX_ID
from services.api.auth.jwks import BadKeySet, read_keys
from services.api.auth.keys import PublicKeys, SharedSecret
from services.api.auth.tokens import Caller, TokenVerifier
from services.api.problems import Unauthenticated
from tests.api.issuer import AUDIENCE, ISSUER, SECRET, Json, Signer, claims_of, key_set, token
from tests.api.village import NOW

SECONDS = NOW // 1_000
SHARED = TokenVerifier(SharedSecret(SECRET), lambda: NOW, leeway_seconds=30)
SIGNERS = {name: Signer(name, name) for name in ("RS256", "ES256", "EdDSA")}


async def published() -> bytes:
    return key_set(*SIGNERS.values())


def by_keys() -> TokenVerifier:
    return TokenVerifier(PublicKeys(published, lambda: NOW), lambda: NOW, 30, AUDIENCE, ISSUER)


async def refusal(tokens: TokenVerifier, presented: str) -> str:
    with pytest.raises(Unauthenticated) as refused:
        await tokens.verify(presented)
    assert refused.value.why
    assert set(refused.value.why).isdisjoint('"\\'), "it stands in a quoted header"
    return refused.value.why


def part(value: Any) -> str:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def signed_with(secret: bytes, header: Json, claims: Json) -> str:
    """Return a token as an attacker would make one; the library refuses to."""
    said = f"{part(header)}.{part(claims)}"
    return f"{said}.{part(hmac.digest(secret, said.encode(), 'sha256'))}"


async def test_the_subject_is_the_caller() -> None:
    """The scopes are read in each of their forms."""
    for claims in (
        {"scope": "act-as operate"},
        {"scp": ["act-as", "operate"]},
        {"scp": "operate act-as"},
        {"scope": "act-as", "scp": ["operate"]},
    ):
        found = await SHARED.verify(token(7, **claims))
        until = NOW + 3_600_000 + 30_000
        assert found == Caller(7, frozenset({"act-as", "operate"}), until)
    assert (await SHARED.verify(token(MAX_ID))).scopes == frozenset()


@pytest.mark.parametrize("algorithm", SIGNERS)
async def test_each_algorithm_of_an_issuer_is_taken(algorithm: str) -> None:
    """The token names the key."""
    assert (await by_keys().verify(SIGNERS[algorithm].token(7))).subject == 7


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"exp": SECONDS - 30}, "expired"),
        ({"exp": None}, "the claim exp is missing"),
        ({"exp": "tomorrow"}, "the claim exp is not a time"),
        ({"exp": True}, "the claim exp is not a time"),
        ({"exp": float("inf")}, "the claim exp is not a time"),
        ({"exp": float("nan")}, "the claim exp is not a time"),
        ({"exp": 10**400}, "the claim exp is not a time"),
        ({"nbf": -(10**400)}, "the claim nbf is not a time"),
        ({"nbf": SECONDS + 31}, "not valid yet"),
        ({"nbf": []}, "the claim nbf is not a time"),
        ({"sub": None}, "the claim sub is missing"),
        ({"sub": "alice"}, "the subject is not a user id"),
        ({"sub": 7}, "the claim sub is not a string"),
        ({"sub": ""}, "the subject is not a user id"),
        ({"sub": "0"}, "the subject is not a user id"),
        ({"sub": "01"}, "the subject is not a user id"),
        ({"sub": "1\n"}, "the subject is not a user id"),
        ({"sub": str(MAX_ID + 1)}, "the subject is not a user id"),
        ({"scope": 7}, "the claim scope is not a list of scopes"),
        ({"scp": ["act-as", 7]}, "the claim scp is not a list of scopes"),
        ({"aud": "somebody else"}, "issued for another audience"),
    ],
)
async def test_claims_that_do_not_hold(claims: Json, why: str) -> None:
    """The caller gets our own message for each."""
    said = {name: value for name, value in (claims_of(7) | claims).items() if value is not None}
    assert await refusal(SHARED, signed_with(SECRET.encode(), {"alg": "HS256"}, said)) == why


async def test_the_clocks_may_differ_by_the_leeway() -> None:
    """A millisecond more is refused."""
    early, late = token(7, nbf=SECONDS + 30), token(7, exp=SECONDS)
    assert await SHARED.verify(early)
    assert await SHARED.verify(late)
    assert await replace(SHARED, clock=lambda: NOW + 29_999).verify(late)
    assert await refusal(replace(SHARED, clock=lambda: NOW + 30_000), late) == "expired"
    assert await refusal(replace(SHARED, clock=lambda: NOW - 1), early) == "not valid yet"


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"iss": "https://other.example"}, "issued by another issuer"),
        ({"iss": None}, "the claim iss is missing"),
        ({"aud": "other"}, "issued for another audience"),
        ({"aud": ["other", 7]}, "issued for another audience"),
        ({"aud": None}, "the claim aud is missing"),
    ],
)
async def test_a_token_is_for_us_and_by_our_issuer(claims: Json, why: str) -> None:
    """Audience and issuer are checked, since keys may serve several."""
    said = claims_of(7, iss=ISSUER, aud=AUDIENCE) | claims
    kept = {name: value for name, value in said.items() if value is not None}
    signer = SIGNERS["ES256"]
    presented = jwt.encode(kept, signer._private, "ES256", {"kid": "ES256"})
    assert await refusal(by_keys(), presented) == why
    assert await by_keys().verify(signer.token(7, aud=["other", AUDIENCE]))


@pytest.mark.parametrize("alg", ["none", "None", "", None, 7, "HS256", "HS512", "RS256", "PS256"])
@pytest.mark.parametrize("signature", ["", "AAAA"])
async def test_no_algorithm_but_the_keys_own(alg: object, signature: str) -> None:
    """`none` is refused in any spelling, as is the algorithm of another key."""
    presented = f"{part({'alg': alg, 'kid': 'ES256'})}.{part(claims_of(7))}.{signature}"
    await refusal(by_keys(), presented)
    await refusal(SHARED, presented)


@pytest.mark.parametrize("alg", ["none", "HS256", "RS512", "", None, 7, [], {}])
async def test_an_unsupported_algorithm_causes_no_fetch(alg: object) -> None:
    """No key is fetched for it."""
    presented = f"{part({'alg': alg, 'kid': 'new'})}.{part(claims_of(7))}.AAAA"

    async def fetch() -> bytes:
        raise AssertionError

    tokens = replace(by_keys(), keys=PublicKeys(fetch, lambda: NOW))
    assert "algorithm" in await refusal(tokens, presented)


async def test_a_public_key_is_no_secret() -> None:
    """A public key cannot be used as a shared secret, whatever the header says."""
    public = key_set(SIGNERS["RS256"]), json.dumps(SIGNERS["RS256"].published).encode()
    claims = claims_of(7, iss=ISSUER, aud=AUDIENCE)
    for secret in (*public, b""):
        for kid in ("RS256", None):
            header = {"alg": "HS256"} | ({"kid": kid} if kid else {})
            await refusal(by_keys(), signed_with(secret, header, claims))


async def test_a_key_signs_for_its_own_name() -> None:
    """Neither another key of the issuer nor one sent with the token is accepted."""
    stranger = Signer("ES256")
    await refusal(by_keys(), stranger.token(7))
    header = {"alg": "ES256", "jwk": stranger.published, "jku": "https://evil.example"}
    await refusal(by_keys(), jwt.encode(claims_of(7), stranger._private, "ES256", header))
    await refusal(by_keys(), jwt.encode(claims_of(7), stranger._private, "ES256", {"kid": "RS256"}))


@pytest.mark.parametrize(
    "presented",
    [
        "",
        ".",
        "..",
        "a.b.c",
        "é.é.é",
        f"{part([])}.{part({})}.",
        f"{part({'alg': 'HS256', 'kid': 7})}.{part({})}.",
        f"{part({'alg': 'HS256', 'crit': ['exp']})}.{part(claims_of(7))}.",
        f"{part(b'[' * 4_000)}.{part({})}.",
        f"{part(b'{' + b'9' * 4_500)}.{part({})}.",
        "a" * 8_193,
    ],
)
async def test_what_is_no_token(presented: str) -> None:
    """Any input is refused without an internal error."""
    await refusal(SHARED, presented)
    await refusal(by_keys(), presented)


@pytest.mark.parametrize(
    "payload", [b"[" * 4_000, b"9" * 4_400, b"[]", b"7", b'"\\ud800"', b"\xff"]
)
async def test_what_is_no_claims(payload: bytes) -> None:
    """They are refused even if well signed."""
    said = f"{part({'alg': 'HS256'})}.{part(payload)}"
    signature = part(hmac.digest(SECRET.encode(), said.encode(), "sha256"))
    await refusal(SHARED, f"{said}.{signature}")


@given(st.data())
async def test_no_character_of_a_token_may_change(data: st.DataObject) -> None:
    """It includes the two unused bits of the last base64 character."""
    presented = token(7)
    index = data.draw(st.integers(0, len(presented) - 2))
    other = data.draw(st.sampled_from("AbZ09-_.").filter(lambda each: each != presented[index]))
    await refusal(SHARED, presented[:index] + other + presented[index + 1 :])


def test_of_a_key_set_only_public_signing_keys_are_used() -> None:
    """Secret, encryption, short, broken and other keys are skipped."""
    good, weak = Signer("good"), Signer("weak", "RS256")
    secret = {"kty": "oct", "kid": "oct", "k": part(SECRET.encode())}
    others: list[Any] = [
        secret,
        good.published | {"kid": "enc", "use": "enc"},
        good.published | {"kid": "ops", "key_ops": ["sign"]},
        good.published | {"kid": "alg", "alg": "ES384"},
        good.published | {"kid": "private", "d": part(b"7" * 32)},
        good.published | {"kid": "off the curve", "x": part(b"7" * 32)},
        weak.published | {"n": part(b"\x81" * 128)},
        {"kid": "nothing"},
        {"kid": 7} | good.published | {"kid": 7},
        "text",
        None,
    ]
    assert [name.id for name in read_keys(key_set(*others, good))] == ["good"]


VALUES = st.one_of(
    st.sampled_from(["RSA", "EC", "OKP", "P-256", "Ed25519", "sig", "AQAB", part(b"7" * 32)]),
    st.none() | st.integers() | st.text() | st.lists(st.sampled_from(["verify", 7])),
)
NAMES = st.sampled_from(["kty", "kid", "crv", "n", "e", "x", "y", "alg", "use", "key_ops"])


@given(st.lists(st.dictionaries(NAMES, VALUES), max_size=3))
def test_a_key_set_is_read_or_refused(described: list[Json]) -> None:
    """Any document is either read or refused."""
    with contextlib.suppress(BadKeySet):
        assert read_keys(key_set(*described))
