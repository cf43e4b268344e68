"""What holds no secret is compressed for who takes it, and nothing else is."""

import gzip

import httpx
import pytest

from services.api.compression import MOST_BYTES
from tests.api.issuer import SECRET, bearer
from tests.api.village import ALICE, BOB, Village, api_on, client_of

WORDS = "Rye bread, and a starter that is older than its baker. " * 4
POSTS = "/v1/users/2/posts"


async def encoding(client: httpx.AsyncClient, path: str, accepted: str = "gzip, br") -> str | None:
    answer = await client.get(path, headers={"Accept-Encoding": accepted})
    assert answer.status_code == 200
    assert "Accept-Encoding" in answer.headers.get_list("vary")
    return answer.headers.get("content-encoding")


@pytest.fixture
async def written(village: Village) -> Village:
    for minutes in range(20):
        await village.post(BOB, minutes_ago=minutes, text=WORDS)
    return village


@pytest.mark.parametrize("path", [POSTS, "/v1/search?q=rye", "/openapi.json", "/docs", "/metrics"])
@pytest.mark.usefixtures("written")
async def test_public_answers_are_compressed(client: httpx.AsyncClient, path: str) -> None:
    """To a third or less, and to the same content; HEAD says the same length."""
    plain = await client.get(path, headers={"Accept-Encoding": "identity"})
    async with client.stream("GET", path, headers={"Accept-Encoding": "gzip"}) as answer:
        raw = b"".join([each async for each in answer.aiter_raw()])
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-length"] == str(len(raw))
    assert answer.headers["content-type"] == plain.headers["content-type"]
    assert len(raw) < len(plain.content) / 3
    if path != "/metrics":  # which counts the requests
        assert gzip.decompress(raw) == plain.content
        head = await client.head(path, headers={"Accept-Encoding": "gzip"})
        assert head.headers["content-length"] == str(len(raw))


async def test_what_is_for_a_viewer_is_never_compressed(written: Village) -> None:
    """Beside what only they may see stand texts that others chose, and lengths would tell."""
    await written.follows(ALICE, BOB)
    paths = ("/v1/users/1/home?limit=50", f"{POSTS}?viewer=1", "/v1/search?q=rye&viewer=1")
    async with client_of(api_on(written.stores)) as client:
        assert [await encoding(client, each) for each in paths] == [None] * 3
    async with client_of(api_on(written.stores, auth_secret=SECRET)) as client:
        client.headers.update(bearer(ALICE))
        assert [await encoding(client, each) for each in (*paths, POSTS)] == [None] * 4
        client.headers.pop("authorization")
        assert await encoding(client, POSTS) == "gzip"


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        ("gzip", "gzip"),
        ("br;q=1.0, GZIP;q=0.5", "gzip"),
        ("gzip;q=0", None),
        ("br, gzip; q=0.000", None),
        ("gzip;q=0.001", "gzip"),
        ("identity", None),
        ("*", None),
        ("xgzip", None),
    ],
)
@pytest.mark.usefixtures("written")
async def test_the_client_says_what_it_takes(
    client: httpx.AsyncClient, accepted: str, expected: str | None
) -> None:
    """By name; a weight of nothing refuses it."""
    assert await encoding(client, POSTS, accepted) == expected


async def test_neither_small_nor_huge_answers_are(
    village: Village, client: httpx.AsyncClient
) -> None:
    """One fits into a packet, the other would hold up everybody else."""
    assert await encoding(client, "/livez") is None
    assert await encoding(client, POSTS) is None
    for minutes in range(20):
        await village.post(BOB, minutes_ago=minutes, text="é" * 10_000)
    assert await encoding(client, f"{POSTS}?limit=10") == "gzip"
    assert len((await client.get(f"{POSTS}?limit=20")).content) > MOST_BYTES
    assert await encoding(client, f"{POSTS}?limit=20") is None


async def test_its_tag_is_good_for_both_forms(village: Village, client: httpx.AsyncClient) -> None:
    """Weak where the bytes are others than those that it was made of."""
    path = f"/v1/posts/{await village.post(BOB, text=WORDS * 5)}"
    plain = await client.get(path, headers={"Accept-Encoding": "identity"})
    packed = await client.get(path, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["etag"] == f"W/{plain.headers['etag']}"
    for each in (plain, packed):
        for accepted in ("gzip", "identity"):
            asked = {"If-None-Match": each.headers["etag"], "Accept-Encoding": accepted}
            assert (await client.get(path, headers=asked)).status_code == 304
