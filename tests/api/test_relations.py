"""A user's relations page by page, and the relationship of two users."""

from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from schemas import relations as said
from schemas.ids import MAX_ID
from tests.api.village import ALICE, BOB, CAROL, NOW, Village

RELATIONS = "/v1/users/1/relations"
SAID: dict[str, Any] = {"version": NOW * 1_000, "owner_id": ALICE}
STRANGER: dict[str, Any] = {
    "user_id": str(CAROL),
    "follow": None,
    "followed_by": False,
    "blocked": False,
    "mute": None,
    "lists": [],
}


async def walked(client: httpx.AsyncClient, kind: str, limit: int = 2) -> list[dict[str, Any]]:
    """Return the items of all pages."""
    items: list[dict[str, Any]] = []
    asked: dict[str, Any] = {"kind": kind, "limit": limit}
    while True:
        body = (await client.get(RELATIONS, params=asked)).json()
        assert len(body["items"]) <= limit
        items += body["items"]
        if body["next"] is None:
            return items
        asked["before"] = body["next"]


def users(items: Sequence[dict[str, Any]]) -> list[int]:
    return [int(each["user_id"]) for each in items]


async def test_people_are_listed_by_kind(village: Village, client: httpx.AsyncClient) -> None:
    """Each appears once over all pages."""
    for other in range(10, 15):
        await village.follows(ALICE, other)
        await village.says(said.MuteCreated(**SAID, target_id=other + 10))
    over = said.MuteCreated(**SAID, target_id=30, expires_at=NOW * 1_000)
    await village.says(over, said.BlockCreated(**SAID, target_id=BOB))
    assert users(await walked(client, "follows")) == list(range(10, 15))
    assert users(await walked(client, "mutes")) == list(range(20, 25))
    assert users(await walked(client, "blocks")) == [BOB]


async def test_followers_are_listed(village: Village, client: httpx.AsyncClient) -> None:
    """All are listed except blocked and former followers."""
    followers = range(100, 150)
    for each in followers:
        await village.follows(each, ALICE)
    await village.says(said.BlockCreated(version=NOW * 1_000 + 1, owner_id=ALICE, target_id=100))
    listed = users(await walked(client, "followers", limit=7))
    assert len(listed) == len(set(listed))
    assert set(listed) == set(followers) - {100}


async def test_own_settings_are_listed(village: Village, client: httpx.AsyncClient) -> None:
    """Lists, tags in normal form and keyword mutes are listed."""
    for each in (7, 8, 9):
        await village.lists(ALICE, each, BOB, exclusive=each == 8)
    for tag in ("#Rye", "salt", "bread"):
        await village.follows_tag(ALICE, tag)
    await village.says(said.KeywordMuteCreated(**SAID, keyword_id=5, phrase="football"))
    assert await walked(client, "lists") == [
        {"list_id": each, "replies": "list", "reposts": True, "exclusive": each == "8"}
        for each in "789"
    ]
    assert sorted(each["tag"] for each in await walked(client, "tags")) == ["bread", "rye", "salt"]
    assert await walked(client, "keyword_mutes") == [
        {
            "keyword_id": "5",
            "phrase": "football",
            "whole_word": True,
            "contexts": [],
            "action": "hide",
            "expires_at": None,
            "ends_at": None,
        }
    ]


@pytest.mark.parametrize(
    ("expires_at", "ends_at"),
    [
        (NOW * 1_000 + 60_000_000, "2026-09-21T14:14:20Z"),
        (MAX_ID, "9999-12-31T00:00:00Z"),
    ],
)
async def test_times_are_also_in_the_format_of_all_others(
    village: Village, client: httpx.AsyncClient, expires_at: int, ends_at: str
) -> None:
    """Of mutes of people and of words; one that no such time can say is the last."""
    ends: Any = {"expires_at": expires_at}
    await village.says(said.MuteCreated(**SAID, target_id=BOB, **ends))
    await village.says(said.KeywordMuteCreated(**SAID, keyword_id=5, phrase="football", **ends))
    (words,) = await walked(client, "keyword_mutes")
    person = (await client.get(f"{RELATIONS}/{BOB}")).json()
    for each in (words, person["mute"]):
        assert (each["expires_at"], each["ends_at"]) == (expires_at, ends_at)


async def test_the_relationship_of_two_users(village: Village, client: httpx.AsyncClient) -> None:
    """It holds the user's own relations and whether the other follows them."""
    await village.follows(ALICE, BOB, replies="all", languages=("en", "de"))
    await village.follows(BOB, ALICE)
    await village.lists(ALICE, 7, BOB)
    await village.says(said.MuteCreated(**SAID, target_id=BOB, scope="reposts"))
    assert (await client.get(f"{RELATIONS}/{BOB}")).json() == {
        "user_id": str(BOB),
        "follow": {
            "since": NOW * 1_000,
            "followed_at": "2026-09-21T14:13:20Z",
            "replies": "all",
            "reposts": True,
            "bare_links": None,
            "languages": ["de", "en"],
        },
        "followed_by": True,
        "blocked": False,
        "mute": {"scope": "reposts", "expires_at": None, "ends_at": None},
        "lists": ["7"],
    }
    assert (await client.get(f"{RELATIONS}/{CAROL}")).json() == STRANGER


async def test_a_block_is_hidden_from_the_blocked_user(
    village: Village, client: httpx.AsyncClient
) -> None:
    """The blocked user does not learn of it; the edges that it ended are gone for both."""
    await village.follows(ALICE, CAROL)
    block = said.BlockCreated(version=NOW * 1_000 + 1, owner_id=CAROL, target_id=ALICE)
    await village.says(block)
    assert (await client.get(f"{RELATIONS}/{CAROL}")).json() == STRANGER
    assert await walked(client, "blocks") == await walked(client, "follows") == []
    relation = (await client.get(f"/v1/users/{CAROL}/relations/{ALICE}")).json()
    assert relation["blocked"] is True


@pytest.mark.parametrize("kind", ["followers", "lists"])
async def test_a_cursor_is_of_its_kind(
    village: Village, client: httpx.AsyncClient, kind: str
) -> None:
    """It is also bound to its owner."""
    for other in (BOB, CAROL):
        await village.follows(ALICE, other)
    cursor = (await client.get(RELATIONS, params={"limit": 1})).json()["next"]
    for path, asked in ((RELATIONS, {"kind": kind}), ("/v1/users/2/relations", {})):
        answer = await client.get(path, params=asked | {"before": cursor})
        assert (answer.status_code, answer.json()["field"]) == (400, "before")
