"""A ticket opens a stream where a client can send no header, and opens nothing else."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from litestar import Litestar
from prometheus_client import CollectorRegistry

from services.api.app import build_api
from services.api.auth.tickets import TICKET_SECONDS, Tickets
from services.api.cursors import LOOPBACK_KEY
from services.metrics.metrics import Metrics
from services.settings.settings import Settings
from services.stores import Stores
from tests.api.issuer import SECRET, bearer
from tests.api.streaming import Holder, streaming
from tests.api.village import ALICE, BOB, NOW, Village, client_of

STREAM = "/v1/users/1/home/stream"
KEYS = ("a key", "an older key")


class Time:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


def app_at(time: Time, stores: Stores, keys: tuple[str, ...] = KEYS, **settings: Any) -> Litestar:
    given = Settings(
        auth_secret=SECRET, auth_leeway_seconds=0, cursor_keys=keys, api_rate=0, **settings
    )
    return build_api(stores, given, Metrics(CollectorRegistry()), time)


@pytest.fixture
def app(village: Village, time: Time) -> Litestar:
    return app_at(time, village.stores, stream_look_seconds=0.01)


@pytest.fixture
async def client(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as client:
        yield client


async def ticket_of(client: httpx.AsyncClient, **headers: str) -> str:
    answer = await client.get(f"{STREAM}/ticket", headers=headers or bearer(ALICE))
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["expires_in"] == TICKET_SECONDS
    ticket: str = answer.json()["ticket"]
    return ticket


async def refusal(client: httpx.AsyncClient, path: str, ticket: str) -> tuple[int, str]:
    """Ask with HEAD first: what it lets in would be the header of an endless stream."""
    head = await client.head(path, params={"ticket": ticket})
    assert head.status_code >= 400, "let in"
    answer = await client.get(path, params={"ticket": ticket})
    assert answer.status_code == head.status_code
    return answer.status_code, answer.json()["detail"]


async def test_a_ticket_opens_the_stream_and_resumes_it(
    village: Village, app: Litestar, client: httpx.AsyncClient
) -> None:
    """Without any header, as a browser's EventSource asks; not only once."""
    first = await village.post(ALICE, minutes_ago=5)
    ticket = await ticket_of(client)
    async with streaming(app, ticket=ticket) as stream:
        await stream.expect("change")
        assert [each["post_id"] for each in stream.last["items"]] == [str(first)]
        held = stream.holder.last_id
    second = await village.post(ALICE)
    async with streaming(app, ticket=ticket, last_event_id=held) as stream:
        await stream.expect("entry")
        assert stream.last["post_id"] == str(second)


async def test_the_header_comes_before_what_the_url_says(
    village: Village, app: Litestar, client: httpx.AsyncClient
) -> None:
    """An EventSource that reconnects sends the newest id, and its first URL again."""
    await village.post(ALICE, minutes_ago=5)
    holder = Holder()
    async with streaming(app, holder, headers=bearer(ALICE)) as stream:
        await stream.expect("change")
        old = holder.last_id
        second = await village.post(ALICE, minutes_ago=2)
        await stream.expect("change", "entry")
    ticket = await ticket_of(client)
    async with streaming(app, holder, ticket=ticket, last_event_id=old) as stream:
        third = await village.post(ALICE)
        await stream.expect("entry")
        assert stream.last["post_id"] == str(third) != str(second)
    answer = await client.get(STREAM, params={"ticket": ticket, "last_event_id": "forged"})
    assert (answer.status_code, answer.json()["field"]) == (400, "last_event_id")


@pytest.mark.parametrize(
    "path", ["/v1/users/2/home/stream", "/v1/users/1/home", "/v1/users/1/home/stream/ticket"]
)
async def test_a_ticket_opens_nothing_else(client: httpx.AsyncClient, path: str) -> None:
    """Neither another user's stream, nor anything else of its own viewer."""
    status, _ = await refusal(client, path, await ticket_of(client))
    assert status == 401


async def test_a_ticket_lasts_a_minute(client: httpx.AsyncClient, time: Time) -> None:
    """It stands in a URL, and those are logged on their way."""
    ticket = await ticket_of(client)
    time.now = NOW + 1_000 * TICKET_SECONDS - 1
    head = await client.head(STREAM, params={"ticket": ticket})
    assert head.status_code == 200
    time.now += 1
    assert await refusal(client, STREAM, ticket) == (401, "the ticket has expired")


async def test_a_stream_ends_with_the_token_of_its_ticket(
    app: Litestar, client: httpx.AsyncClient, time: Time
) -> None:
    """Not with the ticket, which has long expired by then."""
    ticket = await ticket_of(client, **bearer(ALICE, exp=NOW // 1_000 + 600))
    async with streaming(app, ticket=ticket) as stream:
        await stream.expect("change")
        time.now = NOW + 599_999
        heard = len(stream.events)
        await stream.until(lambda: len(stream.events) > heard + 1)
        assert not stream.ended
        time.now = NOW + 600_000
        await stream.until(lambda: stream.ended)
        assert stream.last == {"reason": "token"}


async def test_a_ticket_is_given_to_whoever_may_read_the_stream(client: httpx.AsyncClient) -> None:
    """Also to who may act as its owner, and to nobody else."""
    ticket = await ticket_of(client, **bearer(BOB, ["act-as"]))
    assert (await client.head(STREAM, params={"ticket": ticket})).status_code == 200
    assert (await client.get(f"{STREAM}/ticket", headers=bearer(BOB))).status_code == 403
    assert (await client.get(f"{STREAM}/ticket")).status_code == 401


@pytest.mark.parametrize("keys", [(), KEYS])
async def test_only_the_keys_of_the_api_make_tickets(
    village: Village, time: Time, keys: tuple[str, ...]
) -> None:
    """Without keys, the public ones of cursors make none; any of several keys is good."""
    async with client_of(app_at(time, village.stores, keys)) as client:
        for made_with in ((LOOPBACK_KEY,), ("another key",)):
            forged = Tickets(made_with, time).give(STREAM, ALICE, NOW + 1)
            assert await refusal(client, STREAM, forged) == (401, "not a ticket to this path")
        for garbage in ("x", "é", "A" * 5_000):
            assert (await refusal(client, STREAM, garbage))[0] == 401
    older = Tickets(KEYS[1:], time).give(STREAM, ALICE, NOW + 1)
    async with client_of(app_at(time, village.stores)) as client:
        assert (await client.head(STREAM, params={"ticket": older})).status_code == 200
