"""Alice has not read for days, carol has: both follow bob, who goes on writing."""

import asyncio
from random import Random
from typing import Any

import httpx
import pytest

from schemas.ids import DAY_MS, PostId, UserId
from services.activity.store import Activity
from services.readers import returning
from services.readers.home import Home
from services.readers.reader import Reader
from services.retention import Retention
from services.verification.homes import VerifyHomes
from tests.api.streaming import streaming
from tests.api.village import ALICE, BOB, CAROL, NOW, Village, api_on, client_of

TODAY = NOW // DAY_MS


async def home(client: httpx.AsyncClient, user: int) -> dict[str, Any]:
    answer = await client.get(f"/v1/users/{user}/home", params={"hydrate": "false"})
    assert answer.status_code == 200
    page: dict[str, Any] = answer.json()
    assert (page["state"] == "building") == ("Retry-After" in answer.headers)
    return page


async def left_out() -> tuple[Village, list[str]]:
    """A village where alice is inactive, with bob's posts, the last of which she lacks."""
    village = Village(inactive_days=3)
    for reader in (ALICE, CAROL):
        await village.follows(reader, BOB)
    async with client_of(api_on(village.stores)) as client:
        await home(client, CAROL)
    await village.dormant.scan()
    first = await village.post(BOB, 30)
    for _ in range(3):
        await village.dormant.scan()
    last = await village.post(BOB, 20)
    stored = await village.stores.home_timelines.pin()
    assert [await stored.in_home(UserId(ALICE), each) for each in (first, last)] == [True, False]
    assert await stored.in_home(UserId(CAROL), last)
    return village, [str(last), str(first)]


async def settled(client: httpx.AsyncClient) -> dict[str, Any]:
    """Return alice's home once it is no longer being built."""
    async with asyncio.timeout(10):
        while (page := await home(client, ALICE))["state"] == "building":  # noqa: ASYNC110
            await asyncio.sleep(0)
    return page


async def test_a_returning_users_home_is_building_until_complete(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Everything is there by then, and later posts are delivered as usual."""
    monkeypatch.setattr(returning, "SETTLE_SECONDS", 0)
    village, posts = await left_out()
    async with client_of(api_on(village.stores)) as client:
        assert (await home(client, CAROL))["items"] == posts
        assert (await home(client, ALICE))["state"] == "building"
        assert (await settled(client))["items"] == posts
        assert await village.stores.activity.load(UserId(ALICE)) == Activity(TODAY, 1, 1, 1)
        for _ in range(2):
            await village.dormant.scan()
        posts.insert(0, str(await village.post(BOB, 10)))
        assert (await home(client, ALICE))["items"] == posts


async def test_what_an_uninformed_worker_leaves_out_arrives_in_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The second rebuild writes it, once every worker must know that she is active."""
    village, posts = await left_out()
    heard = asyncio.Event()

    async def wait(_: float) -> None:
        await heard.wait()

    monkeypatch.setattr(returning.ReturningUsers.__init__, "__kwdefaults__", {"wait": wait})
    async with client_of(api_on(village.stores)) as client:
        async with asyncio.timeout(10):
            while (page := await home(client, ALICE))["items"] != posts:  # noqa: ASYNC110
                await asyncio.sleep(0)
        assert page["state"] == "building"
        late = await village.post(BOB, 10)
        assert not await (await village.stores.home_timelines.pin()).in_home(UserId(ALICE), late)
        assert (await home(client, ALICE))["state"] == "building"
        heard.set()
        assert (await settled(client))["items"] == [str(late), *posts]


async def test_a_stream_brings_its_reader_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """It first sends what is there and that more is missing, later the missing posts."""
    monkeypatch.setattr(returning, "SETTLE_SECONDS", 0)
    village, posts = await left_out()
    probing = {"stream_probe_seconds": 0.005, "stream_look_seconds": 0.005}
    async with streaming(api_on(village.stores, **probing)) as alice:
        await alice.until(lambda: alice.holder.state == "ready")
        assert alice.events[0].data["state"] == "building"
        assert [str(each) for each in sorted(alice.holder.items, reverse=True)] == posts


async def test_an_explanation_is_not_a_read() -> None:
    """Neither does a verification, which does not report entries that a read would restore."""
    village, posts = await left_out()
    async with client_of(api_on(village.stores)) as client:
        why = (await client.get(f"/v1/users/{ALICE}/explain/{posts[0]}")).json()
    assert (why["shown"], why["stored"]) == (True, False)
    reader = Reader(village.stores, lambda: NOW)
    verify = VerifyHomes(reader, Home(reader, Retention()), Retention())
    assert await verify(UserId(ALICE)) is None
    assert not await verify(UserId(CAROL))
    assert (await village.stores.activity.load(UserId(ALICE))).seen == 0


async def test_what_carol_lacks_is_missing() -> None:
    """She is active, so no worker may leave out her entries."""
    village, posts = await left_out()
    homes: Any = await village.stores.home_timelines.pin()
    homes._homes[CAROL]._ids.remove(PostId(int(Random(0).choice(posts))))
    reader = Reader(village.stores, lambda: NOW)
    found = await VerifyHomes(reader, Home(reader, Retention()), Retention())(UserId(CAROL))
    assert found is not None
    assert len(found.missing) == 1
