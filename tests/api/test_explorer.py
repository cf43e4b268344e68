"""Where the explorer is served, with which headers, and what its files are made of."""

import re

import httpx
import pytest

from services.api.explorer import EXPLORER, EXPLORER_HEADERS
from services.explorer.files import read_explorer
from tests.api.issuer import SECRET
from tests.api.village import Village, api_on, client_of

MAX_BYTES = 200_000
ELSEWHERE = {"api_host": "10.0.0.1", "auth_secret": SECRET, "cursor_keys": ("k" * 32,)}


@pytest.mark.parametrize(
    ("settings", "served"),
    [
        ({}, True),
        ({"explorer": "never"}, False),
        ({"auth_secret": SECRET}, True),
        (ELSEWHERE, False),
        (ELSEWHERE | {"explorer": "always"}, True),
    ],
)
async def test_where_it_is_served(
    village: Village, settings: dict[str, object], served: bool
) -> None:
    """On the loopback, else only where a setting allows it; it needs no token itself."""
    async with client_of(api_on(village.stores, **settings)) as client:
        for path in (EXPLORER, f"{EXPLORER}/main.js"):
            assert (await client.get(path)).status_code == (200 if served else 404)


async def test_every_file_is_served_as_what_it_is(client: httpx.AsyncClient) -> None:
    """With the strict policy; the address without a file is the entry."""
    files = read_explorer()
    for name, (content, media_type) in files.items():
        answer = await client.get(f"{EXPLORER}/{name}")
        assert (answer.status_code, answer.content) == (200, content)
        assert answer.headers["content-type"].partition(";")[0] == media_type
        assert answer.headers.items() >= {k.lower(): v for k, v in EXPLORER_HEADERS.items()}.items()
    assert (await client.get(EXPLORER)).content == files["index.html"].content
    policy = EXPLORER_HEADERS["Content-Security-Policy"]
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy


@pytest.mark.parametrize("name", ["gossip.js", "..%2Ffiles.py", "%2Fetc%2Fpasswd", "../files.py"])
async def test_nothing_else_is_served(client: httpx.AsyncClient, name: str) -> None:
    """Names are looked up among the files, not in the file system."""
    assert (await client.get(f"{EXPLORER}/{name}")).status_code == 404


def test_it_is_small_and_asks_nobody_else() -> None:
    """All files together; none names another host, but the name space of SVG."""
    files = read_explorer()
    assert sum(len(each.content) for each in files.values()) <= MAX_BYTES
    for name, each in files.items():
        text = each.content.decode().replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?:|//[a-z]+\.[a-z]|@import|url\(", text), name


def test_no_script_makes_markup() -> None:
    """Nothing that reads text as markup or code; no script or style stands in the page."""
    makes = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|Function\(|srcdoc"
    files = read_explorer()
    for name, each in files.items():
        assert not re.search(makes, each.content.decode()), name
    page = files["index.html"].content.decode()
    assert not re.search(r"<script(?![^>]* src=)|<style|\son\w+=|\sstyle=", page)
