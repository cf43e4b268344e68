"""What answers have around their content: ids, tags, what may be kept, and for which origins."""

import httpx
import pytest

from services.errors import StoreUnavailable
from tests.api.issuer import SECRET, bearer
from tests.api.logged import logged
from tests.api.test_problems import failing
from tests.api.village import ALICE, BOB, Village, api_on, client_of

HOME = "/v1/users/1/home"
ORIGIN = "https://mingle.example"


@pytest.mark.parametrize(
    "path",
    [
        HOME,
        "/v1/users/2/posts",
        "/v1/search?q=hello",
        "/livez",
        "/openapi.json",
        "/docs",
        "/metrics",
    ],
)
async def test_head_is_get_without_the_body(
    village: Village, client: httpx.AsyncClient, path: str
) -> None:
    """The same status and headers, the length included."""
    await village.post(BOB, text="hello")
    got, asked = await client.get(path), await client.head(path)
    assert (asked.status_code, asked.content) == (200, b"")
    for each in (got, asked):
        each.headers.pop("x-request-id")
    if path != "/metrics":  # which counts the requests
        assert asked.headers == got.headers


async def test_head_of_a_stream_ends(client: httpx.AsyncClient) -> None:
    """It has the headers of a stream, and begins none."""
    answer = await client.head(f"{HOME}/stream")
    assert answer.headers["content-type"] == "text/event-stream"
    assert "timeline_api_streams_open 0.0" in (await client.get("/metrics")).text


@pytest.mark.parametrize("suffix", ["", "/thread"])
async def test_what_has_an_id_is_sent_once(
    village: Village, client: httpx.AsyncClient, suffix: str
) -> None:
    """With the tag of an answer the same answer is 304, until something changes."""
    post = await village.post(BOB, minutes_ago=5, text="hello")
    path = f"/v1/posts/{post}{suffix}"
    first = await client.get(path)
    assert first.headers["cache-control"] == "no-cache"
    tag = first.headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = await client.get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert (await client.get(path, headers={"If-None-Match": '"other"'})).content == first.content
    await village.edit(BOB, post, text="hello all")
    changed = await client.get(path, headers={"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag


async def test_a_post_that_is_gone_is_not_unchanged(
    village: Village, client: httpx.AsyncClient
) -> None:
    """Whoever still has its tag learns no less."""
    post = await village.post(BOB)
    tag = (await client.get(f"/v1/posts/{post}")).headers["etag"]
    await village.delete(BOB, post)
    answer = await client.get(f"/v1/posts/{post}", headers={"If-None-Match": tag})
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "path",
    [HOME, "/v1/users/2/posts?viewer=1", "/v1/search?q=a&viewer=1", "/v1/posts/9", "/nowhere"],
)
async def test_what_is_personal_is_kept_nowhere(client: httpx.AsyncClient, path: str) -> None:
    """And neither is a refusal, which may not hold for the next reader or for long."""
    assert (await client.get(path)).headers["cache-control"] == "no-store"


async def test_what_a_token_shows_is_personal(village: Village) -> None:
    """Without it the same path is for everybody."""
    post = await village.post(BOB)
    async with client_of(api_on(village.stores, auth_secret=SECRET)) as client:
        path = f"/v1/posts/{post}"
        personal = await client.get(path, headers=bearer(ALICE))
        assert personal.headers["cache-control"] == "no-store"
        assert (await client.get(path)).headers["cache-control"] == "no-cache"


async def test_pages_of_named_origins_may_read_answers(village: Village) -> None:
    """Refusals too, with the headers that clients need; others may not."""
    async with client_of(api_on(village.stores, api_origins=(ORIGIN,))) as client:
        for path in (HOME, "/v1/posts/9"):
            answer = await client.get(path, headers={"Origin": ORIGIN})
            assert answer.headers["access-control-allow-origin"] == ORIGIN
            exposed = answer.headers["access-control-expose-headers"]
            assert {"ETag", "Link", "Retry-After", "X-Request-Id"} <= set(exposed.split(", "))
            other = await client.get(path, headers={"Origin": "https://other.example"})
            assert "access-control-allow-origin" not in other.headers
        asked = {
            "Origin": ORIGIN,
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "authorization,last-event-id",
        }
        allowed = await client.options(HOME, headers=asked)
        assert allowed.status_code == 204
        assert allowed.headers["access-control-allow-origin"] == ORIGIN
        refused = await client.options(HOME, headers=asked | {"Origin": "https://other.example"})
        assert refused.status_code == 400


async def test_without_origins_there_is_no_cors(client: httpx.AsyncClient) -> None:
    """Browsers then let no page of another origin read."""
    answer = await client.get(HOME, headers={"Origin": ORIGIN})
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    ("given", "kept"),
    [("abc-1.2_3", True), ("a" * 64, True), ("a" * 65, False), ("a b", False), ("", False)],
)
async def test_every_answer_has_an_id(client: httpx.AsyncClient, given: str, kept: bool) -> None:
    """The client's own, if it could stand in a log; refusals have one too."""
    for path in (HOME, "/nowhere"):
        ids = (await client.get(path, headers={"X-Request-Id": given})).headers.get_list(
            "x-request-id"
        )
        assert len(ids) == 1
        assert (ids == [given]) == kept
    first, second = [(await client.get(HOME)).headers["x-request-id"] for _ in range(2)]
    assert first != second


async def test_the_id_is_in_the_log() -> None:
    """Of everything that is logged about the request."""
    with logged() as lines:
        async with failing(StoreUnavailable("no answer")) as client:
            await client.get("/v1/posts/9", headers={"X-Request-Id": "mine"})
        problem, answered = lines()
    assert "did not answer" in problem["event"]
    assert (problem["request_id"], answered["request_id"]) == ("mine", "mine")


async def test_the_document_is_a_page_too(client: httpx.AsyncClient) -> None:
    """Every operation, parameter and type is on it; it runs and loads nothing."""
    answer = await client.get("/docs")
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    document = (await client.get("/openapi.json")).json()
    for path, methods in document["paths"].items():
        assert f"<code>{path}</code>" in answer.text
        for each in methods["get"]["parameters"]:
            assert f"<code>{each['name']}</code>" in answer.text
    for name in document["components"]["schemas"]:
        assert f'<h2 id="{name}">' in answer.text
    assert "<script" not in answer.text
    assert "http://" not in answer.text
    assert "https://" not in answer.text
