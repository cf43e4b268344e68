"""What happened since somebody looked, over HTTP."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from schemas.relations import MuteCreated, ReadMarked
from services.api import turns
from services.readers import catch_up
from services.readers.conversants import ConversantsReader
from tests.api.village import ALICE, BOB, CAROL, MINUTE, NOW, Village, api_on, client_of

Json = dict[str, Any]
DAVE = 4
DAY = 24 * 60


@pytest.fixture(autouse=True)
async def _friends(village: Village) -> None:
    for followee in (ALICE, CAROL, DAVE):
        await village.follows(BOB, followee)


async def caught_up(client: httpx.AsyncClient, **asked: object) -> Json:
    answer = await client.get(f"/v1/users/{BOB}/catch-up", params=asked)
    assert answer.status_code == 200, answer.text
    body: Json = answer.json()
    return body


def talks(body: Json) -> list[list[int]]:
    lines = [line for line in body["items"] if line["kind"] == "conversation"]
    return [[int(post["post_id"]) for post in line["posts"]] for line in lines]


def given(body: Json) -> set[int]:
    return {post for talk in talks(body) for post in talk}


def ago(minutes: int) -> str:
    return datetime.fromtimestamp((NOW - minutes * MINUTE) / 1_000, UTC).isoformat()


async def broadcast(village: Village, author: int, count: int = 5) -> list[int]:
    return [await village.post(author, 30 - each) for each in range(count)]


async def test_conversations_come_first_then_a_line_for_each_who_broadcasts(
    village: Village, client: httpx.AsyncClient
) -> None:
    """The answer to bob leads; dave's five posts are one line, whose cursor leads to them."""
    cast = await broadcast(village, DAVE)
    asked = await village.post(ALICE, 9)
    own = await village.post(BOB, 8)
    answer = await village.reply(CAROL, own, 7)
    body = await caught_up(client)
    assert talks(body) == [[answer], [asked]]
    first, _, fold = body["items"]
    assert first["root_id"] == str(own)
    assert first["participants"] == [str(CAROL), str(BOB)]
    assert (fold["kind"], fold["author_id"], fold["count"]) == ("broadcasts", str(DAVE), 5)
    page = await client.get(
        f"/v1/users/{DAVE}/posts", params={"viewer": BOB, "before": fold["cursor"]}
    )
    assert [int(each["post_id"]) for each in page.json()["items"]] == cast[::-1]
    assert (body["folded"], body["more"], body["state"]) == (5, False, "ready")


async def test_a_conversation_is_cut_and_the_rest_counted(
    village: Village, client: httpx.AsyncClient
) -> None:
    """Of nine posts five are given, oldest first; the others are folded."""
    root = await village.post(ALICE, 60)
    for each in range(8):
        await village.reply(CAROL if each % 2 else ALICE, root, 50 - each)
    body = await caught_up(client)
    (talk,) = talks(body)
    assert (len(talk), talk, body["folded"]) == (5, sorted(talk), 4)


async def test_it_reaches_back_to_the_mark_or_to_since(
    village: Village, client: httpx.AsyncClient
) -> None:
    """`since` goes before the mark; neither reaches further back than seven days."""
    ancient = await village.post(ALICE, 8 * DAY)
    old = await village.post(ALICE, 60)
    new = await village.post(ALICE, 5)
    assert given(await caught_up(client)) == {new, old, ancient}
    mark = ReadMarked(version=NOW * 1_000, owner_id=BOB, what="home", up_to=old)
    await village.says(mark)
    assert talks(await caught_up(client)) == [[new]]
    assert given(await caught_up(client, since=ago(60))) == {new, old}
    far = await caught_up(client, since=ago(30 * DAY))
    assert given(far) == {new, old}
    assert datetime.fromisoformat(far["since"]) == datetime.fromisoformat(ago(7 * DAY))
    assert (await caught_up(client, since="9999-12-31T00:00:00Z"))["items"] == []


async def test_more_entries_than_are_looked_at_are_said(
    village: Village, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest ones are summed up, over several reads, and where it stopped is told."""
    monkeypatch.setattr(catch_up, "MAX_ENTRIES", 3)
    monkeypatch.setattr(catch_up, "ENTRIES_AT_ONCE", 2)
    posts = [await village.post(CAROL if k % 2 else ALICE, 20 - k) for k in range(4)]
    body = await caught_up(client)
    assert given(body) == set(posts[1:])
    assert (body["more"], datetime.fromisoformat(body["since"])) == (
        True,
        datetime.fromisoformat(ago(19)),
    )
    monkeypatch.setattr(catch_up, "MAX_ENTRIES", 4)
    assert not (await caught_up(client))["more"]


async def test_what_home_hides_counts_nowhere(village: Village, client: httpx.AsyncClient) -> None:
    """Neither in lines nor among participants nor in a count."""
    await broadcast(village, DAVE)
    root = await village.post(ALICE, 9)
    await village.reply(CAROL, root, 8)
    for hidden in (CAROL, DAVE):
        await village.says(MuteCreated(version=NOW * 1_000, owner_id=BOB, target_id=hidden))
    body = await caught_up(client)
    assert (talks(body), body["folded"]) == ([[root]], 0)
    assert body["items"][0]["participants"] == [str(ALICE)]


async def test_a_time_that_is_none_is_refused(client: httpx.AsyncClient) -> None:
    """By the name of the parameter."""
    answer = await client.get(f"/v1/users/{BOB}/catch-up", params={"since": "this morning"})
    assert (answer.status_code, answer.json()["field"]) == (400, "since")


@pytest.mark.parametrize(
    ("kind", "reader"),
    [("catch-up", catch_up.CatchUpReader), ("conversants", ConversantsReader)],
)
async def test_so_many_are_read_at_a_time(
    village: Village, monkeypatch: pytest.MonkeyPatch, kind: str, reader: Any
) -> None:
    """Another one waits for its turn, and is told when to come again if that takes too long."""
    monkeypatch.setattr(turns, "AT_ONCE", 1)
    entered, opened = asyncio.Event(), asyncio.Event()
    read = reader.read

    async def slow(*asked: Any) -> Any:
        entered.set()
        await opened.wait()
        return await read(*asked)

    monkeypatch.setattr(reader, "read", slow)
    path = f"/v1/users/{BOB}/{kind}"
    async with client_of(api_on(village.stores)) as client:
        first = asyncio.create_task(client.get(path))
        await entered.wait()
        monkeypatch.setattr(turns, "WAIT_SECONDS", 0.01)
        refused = await client.get(path)
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "10")
        monkeypatch.setattr(turns, "WAIT_SECONDS", 60)
        second = asyncio.create_task(client.get(path))
        opened.set()
        assert [(await each).status_code for each in (first, second)] == [200, 200]
