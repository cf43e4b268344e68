"""Events of a stream, as short histories of alice, who follows bob."""

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
from tests.clock import StandingClock

FAST = {"stream_probe_seconds": 0.005, "stream_look_seconds": 0.01}
LATER = NOW * 1_000 + 1
Json = dict[str, Any]


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock(NOW)


@pytest.fixture
def app(village: Village, clock: StandingClock) -> Litestar:
    return build_api(village.stores, Settings(**FAST), Metrics(CollectorRegistry()), clock)


@pytest.fixture
async def alice(village: Village, app: Litestar) -> AsyncIterator[Connection]:
    """Alice follows bob and streams her empty home."""
    await village.follows(ALICE, BOB)
    async with streaming(app) as connection:
        await connection.expect("change")
        yield connection


async def page(app: Litestar, **asked: Any) -> list[Any]:
    async with client_of(app) as client:
        items: list[Any] = (await client.get("/v1/users/1/home", params=asked)).json()["items"]
        return items


async def test_it_begins_with_the_page(village: Village, app: Litestar) -> None:
    """It equals the listing but for the mark, cursors included: clients need no page before."""
    for minutes in (3, 2, 1):
        await village.post(ALICE, minutes_ago=minutes)
    async with client_of(app) as client:
        listing = (await client.get("/v1/users/1/home?limit=2")).json()
    async with streaming(app, limit=2) as connection:
        await connection.expect("change")
        marked = {"mark": None, "unread": None}
        assert connection.last | marked == listing
        assert connection.status == 200
        assert connection.headers["content-type"] == "text/event-stream"
        assert connection.headers["cache-control"] == "no-store"


async def test_a_post_is_an_entry(village: Village, app: Litestar, alice: Connection) -> None:
    """The item equals the page's."""
    await village.post(BOB, text="hello")
    await alice.expect("change", "entry")
    assert [alice.last] == await page(app) == alice.holder.page()


async def test_an_edit_comes_with_what_is_shown_now(village: Village, alice: Connection) -> None:
    """It holds also for the original of a repost."""
    original = await village.post(CAROL, minutes_ago=2, text="helo")
    repost = await village.post(BOB, repost_of=original)
    await alice.expect("change", "entry")
    await village.edit(CAROL, original, text="hello")
    await alice.expect("change", "entry", "edit")
    assert (alice.last["post_id"], alice.last["text"]) == (str(repost), "hello")


async def gone(village: Village, how: str, post: int) -> None:
    """Make bob's post disappear from alice's home in one of many ways."""
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
    """The event holds its id and no reason."""
    post = await village.post(BOB, text="hello")
    await alice.expect("change", "entry")
    await gone(village, how, post)
    await alice.expect("change", "entry", "removal")
    assert alice.last == {"post_id": str(post)}
    assert alice.holder.page() == await page(app) == []


async def test_what_is_past_its_retention_is_removed(
    village: Village, clock: StandingClock, alice: Connection
) -> None:
    """Time alone removes it."""
    post = await village.post(BOB)
    await alice.expect("change", "entry")
    clock.now += 30 * DAY_MS
    await alice.expect("change", "entry", "removal")
    assert alice.last == {"post_id": str(post)}


async def test_what_is_shown_again_is_sent_again(
    village: Village, clock: StandingClock, alice: Connection
) -> None:
    """A mute, block or suspension that ends shows the posts again."""
    names = ["change", "entry"]
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
    await alice.expect(*names)
    for done, undone in undoing:
        await village.says(done)
        await alice.expect(*names, "removal")
        if undone is None:
            clock.now += 1
        else:
            await village.says(undone)
        names += ["removal", "entry"]
        await alice.expect(*names)
        assert id_of(alice.last) == post


async def test_a_late_entry_is_news_for_a_quarter_of_an_hour(
    village: Village, app: Litestar
) -> None:
    """It may be below newer ones, not below the oldest; older ones are changes (rule 13)."""
    await village.follows(ALICE, BOB)
    oldest = await village.post(BOB, minutes_ago=30)
    await village.post(BOB, minutes_ago=1)
    async with streaming(app) as connection:
        await connection.expect("change")
        late = await village.post(BOB, minutes_ago=15.9)
        await connection.expect("change", "entry")
        assert id_of(connection.last) == late
        later = await village.post(BOB, minutes_ago=16.1)
        await connection.expect("change", "entry", "change")
        assert [id_of(each) for each in connection.last["items"]] == [later]
        assert oldest < later < late
        assert connection.holder.page() == await page(app)


async def test_what_is_older_than_all_is_a_change(village: Village, app: Litestar) -> None:
    """Even if a minute old it is no news below the oldest item, so a follow is one event."""
    await village.post(ALICE, minutes_ago=1)
    await village.post(BOB, minutes_ago=2)
    await village.post(BOB, minutes_ago=3)
    async with streaming(app) as connection:
        await connection.expect("change")
        await village.follows(ALICE, BOB)
        await connection.expect("change", "change")
        assert len(connection.last["items"]) == 2
        assert connection.holder.page() == await page(app)


async def test_what_fills_the_place_of_a_removed_item_is_a_change(
    village: Village, app: Litestar
) -> None:
    """A reader always holds as many items as requested."""
    third, _, first = [await village.post(ALICE, minutes_ago=each) for each in (3, 2, 1)]
    async with streaming(app, limit=2) as connection:
        await connection.expect("change")
        await village.delete(ALICE, first)
        await connection.expect("change", "removal", "change")
        assert [id_of(each) for each in connection.last["items"]] == [third]
        assert connection.holder.page() == await page(app, limit=2)


async def test_without_hydration_posts_are_named(village: Village, app: Litestar) -> None:
    """It holds for edited ones too."""
    first = await village.post(ALICE, minutes_ago=2)
    async with streaming(app, hydrate="false") as connection:
        await connection.expect("change")
        assert connection.last["items"] == [str(first)]
        second = await village.post(ALICE)
        await connection.expect("change", "entry")
        assert connection.last == {"post_id": str(second)}
        connection.holder.items[first] = "will be told again"
        await village.edit(ALICE, first, text="hello")
        await connection.expect("change", "entry", "edit")
        assert connection.last == {"post_id": str(first)}


async def test_it_goes_on_behind_any_event(village: Village, app: Litestar) -> None:
    """It sends all changes since, none twice, also from another process."""
    await village.follows(ALICE, BOB)
    edited, deleted, same = [await village.post(BOB, minutes_ago=each) for each in (4, 3, 2)]
    async with streaming(app) as connection:
        await connection.expect("change")
    before = connection.holder
    await village.edit(BOB, edited, text="hello")
    await village.delete(BOB, deleted)
    new = await village.post(BOB)
    names = ["removal", "edit", "entry"]
    async with streaming(app, deepcopy(before)) as whole:
        await whole.expect(*names)
    other = build_api(village.stores, Settings(**FAST), Metrics(CollectorRegistry()), lambda: NOW)
    for taken in range(len(names) + 1):
        holder = deepcopy(before)
        for event in whole.events[:taken]:
            holder.take(event)
        async with streaming(other, holder) as rest:
            await rest.until(lambda: "heartbeat" in [each.name for each in rest.events])
            await rest.expect(*names[taken:])
        assert [id_of(each) for each in holder.page()] == [new, same, edited]
        assert holder.page() == await page(app)


async def test_what_came_meanwhile_and_does_not_fit_is_a_gap(
    village: Village, app: Litestar
) -> None:
    """It is like that of a page with `newer_than`, and its cursor reads it."""
    known = await village.post(ALICE, minutes_ago=9)
    async with streaming(app, limit=2) as connection:
        await connection.expect("change")
    missed = [await village.post(ALICE, minutes_ago=each) for each in (8, 7, 6, 5)]
    async with streaming(app, connection.holder, limit=2) as connection:
        await connection.expect("entry", "entry", "change")
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
    """The stream does not begin; the problem names the header."""
    async with client_of(app) as client:
        answer = await client.get(
            "/v1/users/1/home/stream", headers={"Last-Event-ID": forged.encode()}
        )
    assert (answer.status_code, answer.json()["field"]) == (400, "Last-Event-ID")
    assert answer.headers["content-type"] == "application/problem+json"


async def test_ids_are_good_for_their_viewer_and_this_stream_alone(
    village: Village, app: Litestar
) -> None:
    """Cursors are not event ids nor the reverse, and a dropped key's ids are invalid."""
    await village.post(ALICE)
    async with streaming(app) as connection:
        await connection.expect("change")
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
    """It would be unclear which one is meant."""
    headers = [("Last-Event-ID", "a"), ("Last-Event-ID", "b")]
    answer = await client.get("/v1/users/1/home/stream", headers=headers)
    assert (answer.status_code, answer.json()["field"]) == (400, "Last-Event-ID")


@pytest.mark.parametrize(("name", "value"), [("limit", 0), ("limit", 101), ("view", "best")])
async def test_parameters_are_those_of_the_page(
    client: httpx.AsyncClient, name: str, value: object
) -> None:
    """Their bounds are the same."""
    answer = await client.get("/v1/users/1/home/stream", params={name: str(value)})
    assert (answer.status_code, answer.json()["field"]) == (400, name)
