"""The inbox of conversations, over HTTP."""

from typing import Any

import httpx
import pytest

from schemas.relations import ReadMarked
from tests.api.village import ALICE, BOB, CAROL, NOW, Village

Json = dict[str, Any]


async def inbox(client: httpx.AsyncClient, **asked: object) -> Json:
    answer = await client.get(f"/v1/users/{BOB}/conversations", params=asked)
    assert answer.status_code == 200, answer.text
    body: Json = answer.json()
    return body


def roots(body: Json) -> list[int]:
    return [int(each["root_id"]) for each in body["items"]]


async def test_a_conversation_says_who_takes_part_and_what_is_new(
    village: Village, client: httpx.AsyncClient
) -> None:
    """Bob writes, alice and carol answer; his mark takes the first as read."""
    root = await village.post(BOB, 60)
    first = await village.reply(ALICE, root, 30)
    await village.reply(CAROL, first, 20)
    item = {
        "root_id": str(root),
        "last_activity_at": "2026-09-21T13:53:20Z",
        "new": 2,
        "participants": [str(each) for each in (CAROL, ALICE, BOB)],
        "participant_count": 3,
    }
    body = await inbox(client)
    assert body == {"items": [item], "next": None, "prev": None, "gap": None, "state": "ready"}
    what = f"conversation:{root}"
    await village.says(ReadMarked(version=NOW * 1_000, owner_id=BOB, what=what, up_to=first))
    assert [each["new"] for each in (await inbox(client))["items"]] == [1]


async def test_pages_give_each_conversation_once(
    village: Village, client: httpx.AsyncClient
) -> None:
    """The latest active first, also where the newest posts of some are hidden."""
    started = [await village.post(BOB, 100 - each) for each in range(7)]
    for place, root in enumerate(started):
        await village.reply(ALICE, root, 50 - place)
    for place, root in enumerate(started[:4]):
        await village.reply(CAROL, root, 20 - place, visibility="direct")
    whole = roots(await inbox(client))
    assert whole == started[::-1]
    found: list[int] = []
    answer = await client.get(f"/v1/users/{BOB}/conversations", params={"limit": 2})
    for _ in range(20):
        found += roots(answer.json())
        if answer.json()["next"] is None:
            break
        answer = await client.get(answer.links["next"]["url"])
    assert (found, answer.links) == (whole, {})


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "limit"),
        ({"before": "cursor"}, "before"),
        ({"after": "x"}, "after"),
    ],
)
async def test_what_cannot_be_asked_is_named(
    client: httpx.AsyncClient, asked: Json, field: str
) -> None:
    """As in every listing."""
    answer = await client.get(f"/v1/users/{BOB}/conversations", params=asked)
    assert (answer.status_code, answer.json()["field"]) == (400, field)


async def test_a_cursor_belongs_to_its_inbox(village: Village, client: httpx.AsyncClient) -> None:
    """Not to that of somebody else who takes part, nor to another listing."""
    for _ in range(2):
        root = await village.post(BOB, 60)
        await village.reply(ALICE, root, 30)
    cursor = (await inbox(client, limit=1))["next"]
    for path in (f"/v1/users/{ALICE}/conversations", f"/v1/users/{BOB}/mentions"):
        answer = await client.get(path, params={"before": cursor})
        assert (answer.status_code, answer.json()["field"]) == (400, "before")
