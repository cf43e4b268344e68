"""Which requests need a token, what it gives access to, and how refusals read (RFC 6750)."""

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from services.settings.settings import Settings
from tests.api.issuer import JWKS, SECRET, Signer, bearer, key_set
from tests.api.village import ALICE, BOB, CAROL, Village, api_on, client_of

HOME = "/v1/users/1/home"
EXPIRED = bearer(ALICE, exp=1)


@pytest.fixture
async def client(village: Village) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an API that requires tokens."""
    async with client_of(api_on(village.stores, auth_secret=SECRET)) as client:
        yield client


def challenge(answer: httpx.Response, status: int, said: str) -> None:
    assert answer.status_code == status
    assert answer.headers["www-authenticate"] == f'Bearer realm="mingle"{said}'
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status


@pytest.mark.parametrize(
    "path",
    [
        HOME,
        "/v1/users/1/explain/9",
        "/v1/users/1/relations",
        "/v1/users/1/relations/2",
        "/v1/lists/7/timeline?viewer=1",
        "/v1/tags/bread?viewer=1",
        "/v1/search?q=bread&viewer=1",
        "/v1/posts/9?viewer=1",
        "/v1/posts/9/thread?viewer=1",
        "/v1/users/2/posts?viewer=1",
        "/metrics",
    ],
)
async def test_a_missing_token_is_401(client: httpx.AsyncClient, path: str) -> None:
    """The answer is 401 and names no error, since no token was wrong."""
    challenge(await client.get(path), 401, "")


@pytest.mark.parametrize("path", [HOME, "/v1/posts/9", "/v1/users/2/posts", "/metrics"])
async def test_an_invalid_token_is_refused(client: httpx.AsyncClient, path: str) -> None:
    """It holds also where no token is required: the caller claims an identity."""
    said = ', error="invalid_token", error_description="expired"'
    challenge(await client.get(path, headers=EXPIRED), 401, said)


@pytest.mark.parametrize("value", ["Bearer", "Bearer ", "Basic YWxpY2U6", "Token x", "", "é"])
async def test_other_credentials_are_refused(client: httpx.AsyncClient, value: str) -> None:
    """They are not ignored: their sender wants to be authenticated."""
    answer = await client.get("/v1/posts/9", headers={"Authorization": value.encode()})
    said = ', error="invalid_token", error_description="expected `Bearer` and a token"'
    challenge(answer, 401, said)


async def test_two_tokens_are_refused(client: httpx.AsyncClient) -> None:
    """The API does not guess which one is meant."""
    headers = [*bearer(ALICE).items(), *bearer(BOB).items()]
    answer = await client.get(HOME, headers=headers)
    assert (answer.status_code, "more than one" in answer.json()["detail"]) == (401, True)


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/openapi.json"])
async def test_probes_and_the_document_are_open(client: httpx.AsyncClient, path: str) -> None:
    """It holds whatever credentials a probe sends."""
    for headers in ({}, EXPIRED):
        assert (await client.get(path, headers=headers)).status_code == 200


async def test_the_scheme_ignores_case(client: httpx.AsyncClient) -> None:
    """The scheme is case-insensitive (RFC 9110, 11.1)."""
    value = bearer(ALICE)["Authorization"].replace("Bearer ", "bEARER  ")
    assert (await client.get(HOME, headers={"Authorization": value})).status_code == 200


async def test_the_viewer_is_the_tokens_subject(
    village: Village, client: httpx.AsyncClient
) -> None:
    """Without a token there is no viewer, and only public posts are shown."""
    await village.follows(ALICE, BOB)
    public = await village.post(BOB, minutes_ago=2)
    hidden = await village.post(BOB, minutes_ago=1, visibility="followers")

    async def sees(headers: dict[str, str], **asked: Any) -> list[int]:
        answer = await client.get("/v1/users/2/posts", params=asked, headers=headers)
        one = await client.get(f"/v1/posts/{hidden}", params=asked, headers=headers)
        thread = await client.get(f"/v1/posts/{hidden}/thread", params=asked, headers=headers)
        ids = [int(each["post_id"]) for each in answer.json()["items"]]
        assert (one.status_code == 200) == (thread.status_code == 200) == (hidden in ids)
        return ids

    assert await sees({}) == [public]
    assert await sees(bearer(CAROL)) == [public]
    assert await sees(bearer(ALICE)) == [hidden, public]
    assert await sees(bearer(ALICE), viewer=ALICE) == [hidden, public]
    assert await sees(bearer(CAROL, ["act-as"])) == [public]
    assert await sees(bearer(CAROL, ["act-as"]), viewer=ALICE) == [hidden, public]


@pytest.mark.parametrize(
    "path",
    [HOME, "/v1/users/1/explain/9", "/v1/posts/9?viewer=1", "/v1/users/2/posts?viewer=1"],
)
async def test_acting_as_another_takes_a_scope(client: httpx.AsyncClient, path: str) -> None:
    """A 403 names the scope and does not reveal whether the resource exists."""
    said = ', error="insufficient_scope", scope="act-as"'
    for scopes in ([], ["operate"], ["act-as-well", "ACT-AS"]):
        challenge(await client.get(path, headers=bearer(BOB, scopes)), 403, said)
    assert (await client.get(path, headers=bearer(BOB, ["act-as"]))).status_code in {200, 404}
    assert (await client.get(path, headers=bearer(ALICE))).status_code in {200, 404}


async def test_metrics_are_for_operators(client: httpx.AsyncClient) -> None:
    """The scope to act for others is not enough."""
    said = ', error="insufficient_scope", scope="operate"'
    challenge(await client.get("/metrics", headers=bearer(BOB, ["act-as"])), 403, said)
    assert (await client.get("/metrics", headers=bearer(BOB, ["operate"]))).status_code == 200


async def test_authentication_comes_before_parameters(client: httpx.AsyncClient) -> None:
    """An unauthenticated caller learns of the missing token first."""
    assert (await client.get(f"{HOME}?limit=0")).status_code == 401
    answer = await client.get(f"{HOME}?limit=0", headers=bearer(ALICE))
    assert (answer.status_code, answer.json()["field"]) == (400, "limit")


async def test_cursors_are_the_viewers_own(village: Village, client: httpx.AsyncClient) -> None:
    """Cursors of an anonymous page do not work for Alice's page of the same listing."""
    await village.post(BOB)
    path = "/v1/users/2/posts"
    cursor = (await client.get(path)).json()["prev"]
    assert (await client.get(path, params={"before": cursor})).status_code == 200
    answer = await client.get(path, params={"before": cursor}, headers=bearer(ALICE))
    assert (answer.status_code, answer.json()["field"]) == (400, "before")


async def test_an_issuer_that_is_away_is_503(village: Village, tmp_path: Any) -> None:
    """The token may be valid, so the caller retries later. Requests without one succeed."""
    signer, file = Signer("one"), tmp_path / "keys.json"
    file.write_bytes(key_set(signer))
    app = api_on(village.stores, auth_jwks=str(file), **JWKS)
    async with client_of(app) as client:
        file.unlink()
        headers = {"Authorization": f"Bearer {signer.token(ALICE)}"}
        answer = await client.get(HOME, headers=headers)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert str(file) not in answer.text
        assert (await client.get("/v1/users/2/posts")).status_code == 200


def everything_in(answer: httpx.Response) -> tuple[bytes, str]:
    """Return the body and the headers; the id is another for each request, whatever is asked."""
    assert answer.headers.pop("x-request-id")
    return answer.content, str(answer.headers)


class TestWhatMayNotBeSeen:
    """A hidden thing answers exactly like a missing one: status, headers and body."""

    @pytest.mark.parametrize("suffix", ["", "/thread"])
    @pytest.mark.parametrize(
        ("headers", "asked"),
        [({}, {}), (bearer(CAROL), {}), (bearer(BOB, ["act-as"]), {"viewer": CAROL})],
        ids=["nobody", "carol", "on behalf of carol"],
    )
    async def test_a_post(
        self, village: Village, client: httpx.AsyncClient, suffix: str, headers: Any, asked: Any
    ) -> None:
        """A post is for followers, for somebody else, deleted, or a repost of such a post."""
        followers = await village.post(BOB, visibility="followers")
        deleted = await village.post(BOB)
        await village.delete(BOB, deleted)
        hidden = [
            followers,
            deleted,
            await village.post(BOB, visibility="direct", mentions=[ALICE]),
            await village.post(ALICE, repost_of=followers),
        ]
        paths = [f"/v1/posts/{post}{suffix}" for post in [*hidden, hidden[-1] + 1]]
        answers = [await client.get(path, params=asked, headers=headers) for path in paths]
        assert {each.status_code for each in answers} == {404}
        assert len({everything_in(each) for each in answers}) == 1

    async def test_an_explanation(self, village: Village, client: httpx.AsyncClient) -> None:
        """It holds although a direct post has entries in its author's followers' homes."""
        await village.follows(CAROL, BOB)
        direct = await village.post(BOB, visibility="direct", mentions=[ALICE])
        repost = await village.post(BOB, repost_of=direct)
        asked = [f"/v1/users/3/explain/{post}" for post in (direct, repost, repost + 1)]
        answers = [await client.get(each, headers=bearer(CAROL)) for each in asked]
        assert {each.status_code for each in answers} == {404}
        assert len({everything_in(each) for each in answers}) == 1

    async def test_an_author(self, village: Village, client: httpx.AsyncClient) -> None:
        """An author who posts for followers only answers like one who never existed."""
        await village.post(BOB, visibility="followers")
        answers = [await client.get(f"/v1/users/{each}/posts") for each in (BOB, 99)]
        assert answers[0].status_code == 200
        assert len({everything_in(each) for each in answers}) == 1


OPEN = {"/livez", "/readyz", "/openapi.json", "/docs"}


async def test_every_operation_documents_its_need_of_a_token(client: httpx.AsyncClient) -> None:
    """The document and the API agree; tokens are optional only where `viewer` is."""
    paths = (await client.get("/openapi.json")).json()["paths"]
    for path, methods in paths.items():
        for method, operation in methods.items():
            security = operation["security"]
            assert (security == []) == (path in OPEN)
            names = {each["name"] for each in operation["parameters"]}
            assert ({} in security) == ("viewer" in names)
            asked = re.sub(r"{\w+}", "9", path)
            refused = (await client.request(method, asked)).status_code == 401
            assert refused == ({} not in security and path not in OPEN)


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"auth_secret": "short"}, "MINGLE_AUTH_SECRET"),
        ({"auth_secret": "x" * 31}, "MINGLE_AUTH_SECRET"),
        ({"auth_secret": SECRET, "auth_jwks": "keys.json"}, "MINGLE_AUTH_SECRET"),
        ({"auth_jwks": "keys.json", "auth_issuer": "i"}, "MINGLE_AUTH_AUDIENCE"),
        ({"auth_jwks": "keys.json", "auth_audience": "a"}, "MINGLE_AUTH_ISSUER"),
        ({"auth_audience": "a"}, "MINGLE_AUTH_AUDIENCE"),
        ({"auth_issuer": "i"}, "MINGLE_AUTH_ISSUER"),
        ({"api_origins": ("app.example",)}, "MINGLE_API_ORIGINS"),
        ({"api_origins": ("https://app.example/",)}, "MINGLE_API_ORIGINS"),
        ({"api_origins": ("https://*.example",)}, "MINGLE_API_ORIGINS"),
        ({"api_origins": ("https://app.example:port",)}, "MINGLE_API_ORIGINS"),
        ({"api_proxies": ("proxy",)}, "MINGLE_API_PROXIES"),
        ({"api_proxies": ("10.0.0.0/8", "10.0.0.1/8")}, "MINGLE_API_PROXIES"),
        ({"auth_jwks": "http://issuer.example/keys", **JWKS}, "MINGLE_AUTH_JWKS"),
        ({"auth_jwks": "file:///etc/passwd", **JWKS}, "MINGLE_AUTH_JWKS"),
        ({"auth_jwks": "https://", **JWKS}, "MINGLE_AUTH_JWKS"),
        ({"auth_jwks": "https://issuer.example:keys/", **JWKS}, "MINGLE_AUTH_JWKS"),
        ({"auth_jwks": "http://[::1", **JWKS}, "MINGLE_AUTH_JWKS"),
    ],
)
def test_wrong_settings_are_named(wrong: dict[str, Any], name: str) -> None:
    """The message starts with the setting and holds no secret."""
    with pytest.raises(ValueError, match=f"{name}: expected") as refused:
        Settings(**wrong)
    assert "\n  MINGLE" in str(refused.value)


@pytest.mark.parametrize(
    "right",
    [
        {"auth_secret": "x" * 32},
        {"auth_secret": SECRET, "auth_issuer": "i", "auth_audience": "a"},
        {"auth_jwks": "https://issuer.example/keys", **JWKS},
        {"auth_jwks": "http://127.0.0.1:9/keys", **JWKS},
        {"auth_jwks": "http://localhost/keys", **JWKS},
        {"auth_jwks": "keys.json", **JWKS},
    ],
)
def test_right_settings(right: dict[str, Any]) -> None:
    """With authentication settings the API requires tokens, without any it does not."""
    assert Settings(**right).authenticated
    assert not Settings().authenticated
