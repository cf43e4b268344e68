"""Each request is one line of the log, which holds nothing that its reader could use or read."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from services.errors import StoreUnavailable
from tests.api.issuer import SECRET, bearer
from tests.api.logged import Lines, logged
from tests.api.streaming import streaming
from tests.api.test_problems import failing
from tests.api.village import ALICE, BOB, Village, api_on, client_of

HOME = "/v1/users/{user_id}/home"


@pytest.fixture
async def guarded(village: Village) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(api_on(village.stores, auth_secret=SECRET)) as client:
        yield client


def answered(lines: Lines) -> list[dict[str, Any]]:
    return [each for each in lines() if each["event"] == "answered"]


@pytest.mark.parametrize(
    ("method", "path", "route", "status"),
    [
        ("GET", "/v1/users/1/home?limit=1", HOME, 200),
        ("HEAD", "/v1/users/1/home", HOME, 200),
        ("GET", "/v1/users/1/home?limit=x", HOME, 400),
        ("GET", "/v1/users/2/home", HOME, 403),
        ("GET", "/v1/posts/9", "/v1/posts/{post_id}", 404),
        ("GET", "/nowhere", "unknown", 404),
        ("GET", "/livez", "/livez", 200),
    ],
)
async def test_a_request_is_one_line(
    guarded: httpx.AsyncClient, method: str, path: str, route: str, status: int
) -> None:
    """With its id, its route's template, its status and how long it took."""
    headers = bearer(ALICE) | {"X-Request-Id": "mine"}
    with logged() as lines:
        await guarded.request(method, path, headers=headers)
        (line,) = answered(lines)
    assert line.pop("timestamp")
    assert 0 < line.pop("seconds") < 60
    assert line == {
        "event": "answered",
        "level": "info",
        "logger": "services.api.envelope",
        "request_id": "mine",
        "method": method,
        "route": route,
        "status": status,
    }


async def test_a_bug_is_one_line_too() -> None:
    """Beside the one that says what failed, with the same id."""
    with logged() as lines:
        async with failing(RuntimeError("a bug")) as client:
            await client.get("/v1/posts/9")
        bug, line = lines()
    assert (line["status"], line["request_id"]) == (500, bug["request_id"])


async def test_a_stream_is_one_line_when_it_has_ended(village: Village) -> None:
    """It says how long the stream was open."""
    app = api_on(village.stores, stream_look_seconds=0.01)
    with logged() as lines:
        async with streaming(app) as stream:
            await stream.expect("change")
            assert answered(lines) == []
        (line,) = answered(lines)
    assert (line["route"], line["status"]) == (f"{HOME}/stream", 200)


async def test_logs_hold_no_secrets_and_no_texts(
    village: Village, guarded: httpx.AsyncClient
) -> None:
    """No token, ticket, cursor, event id, query, tag or text, whatever becomes of the request."""
    for minutes in range(3):
        await village.post(ALICE, minutes_ago=minutes, text="clandestine words", tags=["hush"])
    token = bearer(ALICE)
    home = "/v1/users/1/home"
    with logged() as lines:
        page = (await guarded.get(home, params={"limit": 1}, headers=token)).json()
        ticket = (await guarded.get(f"{home}/stream/ticket", headers=token)).json()["ticket"]
        asked: list[tuple[str, dict[str, str]]] = [
            (home, {"before": page["next"]}),
            (home, {"before": "x" + page["next"]}),
            (f"{home}/stream", {"ticket": ticket, "last_event_id": page["next"]}),
            (f"{home}/stream", {"ticket": "x" + ticket}),
            ("/v1/search", {"q": "clandestine", "viewer": "clandestine"}),
            ("/v1/search", {"q": "clandestine"}),
            ("/v1/tags/hush", {}),
            ("/v1/clandestine", {"hush": "clandestine"}),
        ]
        for path, params in asked:
            for headers in (token, bearer(BOB), {}, {"Authorization": "Bearer clandestine"}):
                await guarded.head(path, params=params, headers=headers)
        async with failing(StoreUnavailable("no answer")) as broken:
            for path, params in asked:
                await broken.head(path, params=params)
        shown = "\n".join(map(str, lines()))
        count = len(answered(lines))
    assert count == 2 + 5 * len(asked)
    given = token["Authorization"].split()[1]
    for secret in (given, given.split(".")[2], ticket, page["next"], "clandestine", "hush"):
        assert secret not in shown
