"""What is told on a stream, as short histories of alice, who follows bob."""

from collections.abc import AsyncIterator
from copy import deepcopy
from typing import Any

import httpx
import pytest
from litestar import Litestar
from prometheus_client import CollectorRegistry

from schemas.events import FollowDeleted
from schemas.ids import DAY_MS
from schemas.relations import (
    AccountReinstated,
    AccountSuspended,
    BlockCreated,
    KeywordMuteCreated,
    MuteCreated,
    MuteDeleted,
)
from services.api.app import build_api
from services.metrics.metrics import Metrics
from services.settings.settings import Settings
from tests.api.streaming import Connection, id_of, streaming
from tests.api.village import ALICE, BOB, CAROL, NOW, Village, client_of

FAST = {"stream_probe_seconds": 0.005, "stream_look_seconds": 0.01}
LATER = NOW * 1_000 + 1
Json = dict[str, Any]


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def app(village: Village, clock: Clock) -> Litestar:
    return build_api(village.stores, Settings(**FAST), Metrics(CollectorRegistry()), clock)


@pytest.fixture
async def alice(village: Village, app: Litestar) -> AsyncIterator[Connection]:
    """Who follows bob, and has begun to read her empty home."""
    await village.follows(ALICE, BOB)
    async with streaming(app) as connection:
        await connection.told("change")
        yield connection


async def page(app: Litestar, **asked: Any) -> list[Any]:
    async with client_of(app) as client:
        items: list[Any] = (await client.get("/v1/users/1/home", params=asked)).json()["items"]
        return items


async def test_it_begins_with_the_page(village: Village, app: Litestar) -> None:
    """The same that a listing gives, cursors and all, so that no page is needed before."""
    for minutes in (3, 2, 1):
        await village.post(ALICE, minutes_ago=minutes)
    async with client_of(app) as client:
        listing = (await client.get("/v1/users/1/home?limit=2")).json()
    async with streaming(app, limit=2) as connection:
        await connection.told("change")
        assert connection.last == listing
        assert connection.status == 200
        assert connection.headers["content-type"] == "text/event-stream"
        assert connection.headers["cache-control"] == "no-store"


async def test_a_post_is_an_entry(village: Village, app: Litestar, alice: Connection) -> None:
    """As the page has it."""
    await village.post(BOB, text="hello")
    await alice.told("change", "entry")
    assert [alice.last] == await page(app) == alice.holder.page()


async def test_an_edit_comes_with_what_is_shown_now(village: Village, alice: Connection) -> None:
    """Also where it is the original of a repost that was edited."""
    original = await village.post(CAROL, minutes_ago=2, text="helo")
    repost = await village.post(BOB, repost_of=original)
    await alice.told("change", "entry")
    await village.edit(CAROL, original, text="hello")
    await alice.told("change", "entry", "edit")
    assert (alice.last["post_id"], alice.last["text"]) == (str(repost), "hello")


async def gone(village: Village, how: str, post: int) -> None:
    """One way or another, alice's home shows bob's post no longer."""
    match how:
        case "deletion":
            await village.delete(BOB, post)
        case "unfollow":
            await village._handle(
                "follows", [FollowDeleted(version=LATER, follower_id=ALICE, followee_id=BOB)]
            )
        case "block":
            await village.says(BlockCreated(version=LATER, owner_id=BOB, target_id=ALICE))
        case "mute":
            await village.says(MuteCreated(version=LATER, owner_id=ALICE, target_id=BOB))
        case "keyword":
            await village.says(
                KeywordMuteCreated(version=LATER, owner_id=ALICE, keyword_id=1, phrase="hello")
            )
        case "suspension":
            await village.says(AccountSuspended(version=LATER, owner_id=BOB))
        case "edit":
            await village.edit(BOB, post, visibility="direct")


@pytest.mark.parametrize(
    "how", ["deletion", "unfollow", "block", "mute", "keyword", "suspension", "edit"]
)
async def test_what_the_rules_hide_is_removed(
    village: Village, app: Litestar, alice: Connection, how: str
) -> None:
    """By its id, and without a word on why."""
    post = await village.post(BOB, text="hello")
    await alice.told("change", "entry")
    await gone(village, how, post)
    await alice.told("change", "entry", "removal")
    assert alice.last == {"post_id": str(post)}
    assert alice.holder.page() == await page(app) == []


async def test_what_is_past_its_retention_is_removed(
    village: Village, clock: Clock, alice: Connection
) -> None:
    """As time goes by, and nothing else happens."""
    post = await village.post(BOB)
    await alice.told("change", "entry")
    clock.now += 30 * DAY_MS
    await alice.told("change", "entry", "removal")
    assert alice.last == {"post_id": str(post)}


async def test_what_is_undone_is_told_again(
    village: Village, clock: Clock, alice: Connection
) -> None:
    """A mute that ends, by a word or by itself, a block, a suspension."""
    told = ["change", "entry"]
    post = await village.post(BOB)
    away = {"owner_id": ALICE, "target_id": BOB}
    ends = (NOW + 1) * 1_000
    undoing = (
        (
            MuteCreated(version=LATER, **away),
            MuteDeleted(version=LATER + 1, **away),
        ),
        (MuteCreated(version=LATER + 2, **away, expires_at=ends), None),
        (AccountSuspended(version=1, owner_id=BOB), AccountReinstated(version=2, owner_id=BOB)),
    )
    await alice.told(*told)
    for done, undone in undoing:
        await village.says(done)
        await alice.told(*told, "removal")
        if undone is None:
            clock.now += 1
        else:
            await village.says(undone)
        told += ["removal", "entry"]
        await alice.told(*told)
        assert id_of(alice.last) == post


async def test_a_late_entry_is_news_for_a_quarter_of_an_hour(
    village: Village, app: Litestar
) -> None:
    """Below newer ones, but not below the oldest; what is older is a change (rule 13)."""
    await village.follows(ALICE, BOB)
    oldest = await village.post(BOB, minutes_ago=30)
    await village.post(BOB, minutes_ago=1)
    async with streaming(app) as connection:
        await connection.told("change")
        late = await village.post(BOB, minutes_ago=15.9)
        await connection.told("change", "entry")
        assert id_of(connection.last) == late
        later = await village.post(BOB, minutes_ago=16.1)
        await connection.told("change", "entry", "change")
        assert [id_of(each) for each in connection.last["items"]] == [later]
        assert oldest < later < late
        assert connection.holder.page() == await page(app)


async def test_what_is_older_than_all_is_a_change(village: Village, app: Litestar) -> None:
    """Be it a minute old: to who scrolls it is no news. So a follow brings one event."""
    await village.post(ALICE, minutes_ago=1)
    await village.post(BOB, minutes_ago=2)
    await village.post(BOB, minutes_ago=3)
    async with streaming(app) as connection:
        await connection.told("change")
        await village.follows(ALICE, BOB)
        await connection.told("change", "change")
        assert len(connection.last["items"]) == 2
        assert connection.holder.page() == await page(app)


async def test_what_fills_the_place_of_a_removed_item_is_a_change(
    village: Village, app: Litestar
) -> None:
    """So that a reader always holds as many as he asked for."""
    third, _, first = [await village.post(ALICE, minutes_ago=each) for each in (3, 2, 1)]
    async with streaming(app, limit=2) as connection:
        await connection.told("change")
        await village.delete(ALICE, first)
        await connection.told("change", "removal", "change")
        assert [id_of(each) for each in connection.last["items"]] == [third]
        assert connection.holder.page() == await page(app, limit=2)


async def test_without_hydration_posts_are_named(village: Village, app: Litestar) -> None:
    """Also those that were edited."""
    first = await village.post(ALICE, minutes_ago=2)
    async with streaming(app, hydrate="false") as connection:
        await connection.told("change")
        assert connection.last["items"] == [str(first)]
        second = await village.post(ALICE)
        await connection.told("change", "entry")
        assert connection.last == {"post_id": str(second)}
        connection.holder.items[first] = "will be told again"
        await village.edit(ALICE, first, text="hello")
        await connection.told("change", "entry", "edit")
        assert connection.last == {"post_id": str(first)}


async def test_it_goes_on_behind_any_event(village: Village, app: Litestar) -> None:
    """With all that happened meanwhile, and nothing twice; the same at another process."""
    await village.follows(ALICE, BOB)
    edited, deleted, same = [await village.post(BOB, minutes_ago=each) for each in (4, 3, 2)]
    async with streaming(app) as connection:
        await connection.told("change")
    before = connection.holder
    await village.edit(BOB, edited, text="hello")
    await village.delete(BOB, deleted)
    new = await village.post(BOB)
    names = ["removal", "edit", "entry"]
    async with streaming(app, deepcopy(before)) as whole:
        await whole.told(*names)
    other = build_api(village.stores, Settings(**FAST), Metrics(CollectorRegistry()), lambda: NOW)
    for taken in range(len(names) + 1):
        holder = deepcopy(before)
        for event in whole.events[:taken]:
            holder.take(event)
        async with streaming(other, holder) as rest:
            await rest.until(lambda: "heartbeat" in [each.name for each in rest.events])
            await rest.told(*names[taken:])
        assert [id_of(each) for each in holder.page()] == [new, same, edited]
        assert holder.page() == await page(app)


async def test_what_came_meanwhile_and_does_not_fit_is_a_gap(
    village: Village, app: Litestar
) -> None:
    """As in a page that is asked for with `newer_than`; its cursor reads it."""
    known = await village.post(ALICE, minutes_ago=9)
    async with streaming(app, limit=2) as connection:
        await connection.told("change")
    missed = [await village.post(ALICE, minutes_ago=each) for each in (8, 7, 6, 5)]
    async with streaming(app, connection.holder, limit=2) as connection:
        await connection.told("entry", "entry", "change")
        gap = connection.last["gap"]
        assert (connection.last["items"], gap["from"], gap["to"]) == (
            [],
            str(missed[2]),
            str(known),
        )
        unread = await page(app, before=gap["cursor"], newer_than=connection.last["prev"])
        assert unread == []
        older = await page(app, before=gap["cursor"], hydrate="false")
        assert older == [str(missed[1]), str(missed[0]), str(known)]


@pytest.mark.parametrize("forged", ["", "x", "AAAA", "é"])
async def test_an_id_that_is_none_of_ours_is_refused(app: Litestar, forged: str) -> None:
    """Before the stream begins, as a problem that names it."""
    async with client_of(app) as client:
        answer = await client.get(
            "/v1/users/1/home/stream", headers={"Last-Event-ID": forged.encode()}
        )
    assert (answer.status_code, answer.json()["field"]) == (400, "Last-Event-ID")
    assert answer.headers["content-type"] == "application/problem+json"


async def test_ids_are_good_for_their_viewer_and_this_stream_alone(
    village: Village, app: Litestar
) -> None:
    """Cursors are no ids, nor ids cursors; ids of a key that was dropped are none any more."""
    await village.post(ALICE)
    async with streaming(app) as connection:
        await connection.told("change")
    last, prev = connection.holder.last_id, connection.last["prev"]
    other = build_api(
        village.stores, Settings(cursor_keys=("new",)), Metrics(CollectorRegistry()), lambda: NOW
    )
    stream = "/v1/users/1/home/stream"
    asked: list[tuple[Litestar, str, Json, Json]] = [
        (app, stream, {"Last-Event-ID": prev}, {}),
        (app, "/v1/users/2/home/stream", {"Last-Event-ID": last}, {}),
        (other, stream, {"Last-Event-ID": last}, {}),
        (app, "/v1/users/1/home", {}, {"after": last}),
    ]
    for api, path, headers, query in asked:
        async with client_of(api) as client:
            answer = await client.get(path, headers=headers, params=query)
        assert answer.status_code == 400, path


async def test_more_than_one_id_is_refused(client: httpx.AsyncClient) -> None:
    """Nobody could say which is meant."""
    headers = [("Last-Event-ID", "a"), ("Last-Event-ID", "b")]
    answer = await client.get("/v1/users/1/home/stream", headers=headers)
    assert (answer.status_code, answer.json()["field"]) == (400, "Last-Event-ID")


@pytest.mark.parametrize(("name", "value"), [("limit", 0), ("limit", 101), ("view", "best")])
async def test_parameters_are_those_of_the_page(
    client: httpx.AsyncClient, name: str, value: object
) -> None:
    """With the same bounds."""
    answer = await client.get("/v1/users/1/home/stream", params={name: str(value)})
    assert (answer.status_code, answer.json()["field"]) == (400, name)
