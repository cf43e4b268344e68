"""Whom somebody talks with and whom they might follow, over HTTP."""

from typing import Any

import httpx
import pytest

from schemas.relations import AccountErased, BlockCreated, MuteCreated
from services.readers import acquaintances, conversants
from tests.api.village import ALICE, BOB, CAROL, NOW, Village

Json = dict[str, Any]
DAVE, ERIN = 4, 5
DAY = 24 * 60


async def listed(client: httpx.AsyncClient, whose: int = BOB) -> list[Json]:
    answer = await client.get(f"/v1/users/{whose}/conversants")
    assert answer.status_code == 200, answer.text
    items: list[Json] = answer.json()["items"]
    return items


def users(items: list[Json]) -> list[int]:
    return [int(each["user_id"]) for each in items]


async def talk(village: Village, one: int, other: int, minutes_ago: float = 9) -> None:
    """Two people answer each other, the other one last."""
    begun = await village.post(other, minutes_ago)
    reply = await village.reply(one, begun, minutes_ago - 0.1)
    await village.reply(other, reply, minutes_ago - 0.2)


async def answers(village: Village, one: int, other: int, minutes_ago: float = 5) -> None:
    begun = await village.post(other, minutes_ago)
    await village.reply(one, begun, minutes_ago - 0.1)


async def test_partners_are_first_then_whom_they_answer(
    village: Village, client: httpx.AsyncClient
) -> None:
    """Each with a reason, and by whom they are known to bob."""
    await talk(village, BOB, ALICE)
    await answers(village, ALICE, CAROL)
    await answers(village, DAVE, BOB, 3)
    found = await listed(client)
    assert found[0] == {
        "user_id": str(ALICE),
        "follow": False,
        "reason": "talks_with_you",
        "in_common": [],
    }
    assert {(each["user_id"], each["reason"], *each["in_common"]) for each in found[1:]} == {
        (str(CAROL), "people_in_common", str(ALICE)),
        (str(DAVE), "answers_you"),
    }
    assert all(each["follow"] for each in found[1:])


async def test_nobody_is_suggested_who_stands_apart(
    village: Village, client: httpx.AsyncClient
) -> None:
    """Neither whom bob follows, blocks or mutes, nor who blocks bob or is erased, nor bob."""
    await talk(village, BOB, ALICE)
    for whom in range(20, 26):
        await answers(village, ALICE, whom)
    assert users(await listed(client)) == [ALICE, *range(20, 26)]
    at = NOW * 1_000
    await village.follows(BOB, 20)
    await village.says(
        BlockCreated(version=at, owner_id=BOB, target_id=21),
        BlockCreated(version=at, owner_id=22, target_id=BOB),
        MuteCreated(version=at, owner_id=BOB, target_id=23),
        AccountErased(version=at, owner_id=24),
    )
    assert users(await listed(client)) == [ALICE, 25]


async def test_what_bob_may_not_see_counts_nowhere(
    village: Village, client: httpx.AsyncClient
) -> None:
    """The answer is the same with alice's talk with dave for other eyes as without it."""
    await talk(village, BOB, ALICE)
    await answers(village, ALICE, CAROL)
    before = await listed(client)
    hidden = await village.post(DAVE, 4, visibility="direct", mentions=(ALICE,))
    await village.reply(ALICE, hidden, 3, visibility="direct", mentions=(DAVE,))
    own = await village.post(DAVE, 3)
    await village.reply(ALICE, own, 2, visibility="followers")
    await village.reply(CAROL, own, 2, visibility="direct", mentions=(DAVE,))
    assert await listed(client) == before


async def test_hidden_posts_take_nobodys_place_among_those_looked_at(
    village: Village, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a partner's newest two posts that bob may see, not of the newest two."""
    monkeypatch.setattr(conversants, "MAX_OF_PARTNER", 2)
    await talk(village, BOB, ALICE)
    await answers(village, ALICE, CAROL)
    for minute in (4, 3, 2, 1):
        await village.post(ALICE, minute, visibility="direct", mentions=(DAVE,))
    assert users(await listed(client)) == [ALICE, CAROL]
    for later in (0.5, 0.4):
        await village.post(ALICE, later)
    assert users(await listed(client)) == [ALICE]


@pytest.mark.parametrize(
    ("bound", "expected"),
    [
        ("MAX_PARTNERS", [ERIN, ALICE, CAROL]),
        ("MAX_SUGGESTED", [ERIN, DAVE, ALICE]),
        ("MAX_STRANGERS", [ERIN, DAVE, ALICE]),
    ],
)
async def test_lists_are_bounded(
    village: Village,
    client: httpx.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
    bound: str,
    expected: list[int],
) -> None:
    """By so many partners and people to follow, the first of each."""
    monkeypatch.setattr(conversants, bound, 1)
    await talk(village, BOB, DAVE, 30)
    await talk(village, BOB, ERIN, 20)
    await answers(village, ERIN, ALICE)
    await answers(village, ALICE, BOB, 4)
    await answers(village, CAROL, BOB, 300)
    assert users(await listed(client)) == expected


async def test_people_in_common_are_as_many_as_a_sentence_holds(
    village: Village, client: httpx.AsyncClient
) -> None:
    """The best five of six."""
    for partner in range(20, 26):
        await talk(village, BOB, partner, 10 * DAY - partner)
        await answers(village, partner, CAROL, 9)
    stranger = (await listed(client))[-1]
    assert stranger["user_id"] == str(CAROL)
    assert stranger["in_common"] == [str(each) for each in range(25, 20, -1)]
    assert len(stranger["in_common"]) == acquaintances.MAX_IN_COMMON
