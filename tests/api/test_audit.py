"""The audit log: who used which scope, for whom, for what, and with which answer."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pytest

from services.api.auth.audit import AUDIT_LOG
from services.errors import StoreUnavailable
from tests.api.issuer import SECRET, bearer
from tests.api.logged import logged
from tests.api.streaming import streaming
from tests.api.test_problems import FailingPosts
from tests.api.village import ALICE, BOB, CAROL, Village, api_on, client_of, memory

ACT_AS = bearer(CAROL, ["act-as"])
OPERATE = bearer(CAROL, ["operate"])
TEXT = "sourdough"

Audited = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def audited() -> Iterator[Audited]:
    """What has been audited so far, at a level that hides everything else."""
    with logged("critical") as lines:
        yield lambda: [line for line in lines() if line["logger"] == AUDIT_LOG]


@pytest.fixture
async def client(village: Village, audited: Audited) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an API that requires tokens."""
    async with client_of(api_on(village.stores, auth_secret=SECRET)) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/v1/users/1/home", "/v1/users/{user_id}/home"),
        ("/v1/search?q=sourdough&viewer=1", "/v1/search"),
        ("/v1/users/2/posts?viewer=1", "/v1/users/{user_id}/posts"),
    ],
)
async def test_reading_as_another_is_audited(
    client: httpx.AsyncClient, audited: Audited, path: str, route: str
) -> None:
    """One line: carol read as alice. It names the route, and is found by the request's id."""
    answer = await client.get(path, headers=ACT_AS | {"X-Request-Id": "mine"})
    assert answer.status_code == 200
    (line,) = audited()
    line.pop("timestamp")
    assert line == {
        "event": "a scope was used",
        "logger": AUDIT_LOG,
        "level": "info",
        "scope": "act-as",
        "subject": str(CAROL),
        "viewer": str(ALICE),
        "method": "GET",
        "route": route,
        "status": 200,
        "request_id": "mine",
    }


async def test_operating_is_audited(client: httpx.AsyncClient, audited: Audited) -> None:
    """Metrics are read for nobody else."""
    await client.get("/metrics", headers=OPERATE)
    (line,) = audited()
    said = {name: line[name] for name in ("scope", "subject", "viewer", "route", "status")}
    assert said == {
        "scope": "operate",
        "subject": str(CAROL),
        "viewer": None,
        "route": "/metrics",
        "status": 200,
    }


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/v1/users/3/home", ACT_AS),  # as themselves
        ("/v1/posts/9", ACT_AS),
        ("/v1/posts/9", {}),
        ("/v1/users/3/home", bearer(CAROL)),
        ("/v1/users/1/home", OPERATE),  # refused: another scope
        ("/metrics", ACT_AS),
        ("/livez", OPERATE),
    ],
)
async def test_what_needs_no_scope_is_not_audited(
    client: httpx.AsyncClient, audited: Audited, path: str, headers: dict[str, str]
) -> None:
    """Neither is what was refused for want of one: nothing was done."""
    await client.get(path, headers=headers)
    assert audited() == []


@pytest.mark.parametrize(
    ("path", "status"),
    [("/v1/posts/9?viewer=1", 404), ("/v1/users/1/home?before=x", 400)],
)
async def test_what_failed_is_audited(
    client: httpx.AsyncClient, audited: Audited, path: str, status: int
) -> None:
    """The attempt was made under the scope, whatever became of it."""
    await client.get(path, headers=ACT_AS)
    assert [line["status"] for line in audited()] == [status]


async def test_what_is_refused_for_its_rate_is_audited(village: Village, audited: Audited) -> None:
    """A client that reads through everybody's homes is seen doing it."""
    api = api_on(village.stores, auth_secret=SECRET, api_rate=0.1)
    async with client_of(api) as client:
        for _ in range(2):
            await client.get("/v1/users/1/home", headers=ACT_AS)
    assert [line["status"] for line in audited()] == [200, 429]


@pytest.mark.parametrize(
    ("error", "status"), [(ZeroDivisionError(TEXT), 500), (StoreUnavailable(TEXT), 503)]
)
async def test_what_breaks_is_audited(audited: Audited, error: Exception, status: int) -> None:
    """A fault of ours, too, was met under the scope."""
    stores = memory()._replace(posts=FailingPosts(error))
    async with client_of(api_on(stores, auth_secret=SECRET)) as client:
        await client.get("/v1/posts/9?viewer=1", headers=ACT_AS)
    assert [line["status"] for line in audited()] == [status]


async def test_a_stream_is_audited_when_it_begins(village: Village, audited: Audited) -> None:
    """It may last for days, and is known of meanwhile; when it ends there is no second line."""
    app = api_on(village.stores, auth_secret=SECRET)
    async with streaming(app, user=ALICE, headers=ACT_AS) as stream:
        await stream.expect("change")
        (line,) = audited()
        assert (line["route"], line["status"]) == ("/v1/users/{user_id}/home/stream", 200)
    assert audited() == [line]


async def test_a_ticket_is_audited_when_it_is_given(
    client: httpx.AsyncClient, audited: Audited
) -> None:
    """Carol asks for one to alice's home; whoever comes with it names nobody else."""
    given = await client.get("/v1/users/1/home/stream/ticket", headers=ACT_AS)
    ticket = given.json()["ticket"]
    opened = await client.head(f"/v1/users/1/home/stream?ticket={ticket}")
    assert opened.status_code == 200
    (line,) = audited()
    assert (line["viewer"], line["route"]) == ("1", "/v1/users/{user_id}/home/stream/ticket")
    assert ticket not in str(line)


async def test_a_client_that_leaves_early_is_audited(audited: Audited) -> None:
    """Without an answer there is no status, and a line all the same."""
    left = FailingPosts(asyncio.CancelledError())
    async with client_of(api_on(memory()._replace(posts=left), auth_secret=SECRET)) as client:
        with pytest.raises(asyncio.CancelledError):
            await client.get("/v1/posts/9?viewer=1", headers=ACT_AS)
    assert [line["status"] for line in audited()] == [None]


async def test_nothing_that_was_sent_is_in_it(
    village: Village, client: httpx.AsyncClient, audited: Audited
) -> None:
    """No words, cursors or tokens: whoever reads the log learns who read, not what."""
    for minutes in (2, 1):
        await village.post(BOB, minutes, text=TEXT, tags=["rye"])
    path = f"/v1/search?q={TEXT}&tag=rye&viewer=1&limit=1"
    first = await client.get(path, headers=ACT_AS)
    cursor = first.json()["next"]
    second = await client.get(f"{path}&before={cursor}", headers=ACT_AS)
    assert (second.status_code, len(audited())) == (200, 2)
    for secret in (TEXT, "rye", cursor, ACT_AS["Authorization"].removeprefix("Bearer ")):
        assert secret not in str(audited())


async def test_without_authentication_nothing_is_audited(
    village: Village, audited: Audited
) -> None:
    """Nobody has a scope where everybody may be anybody; such an API serves its machine only."""
    async with client_of(api_on(village.stores)) as client:
        await client.get("/v1/users/1/home")
    assert audited() == []
