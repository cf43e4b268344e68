"""Signal over HTTP: home in the order in which its owner may want to answer."""

from typing import Any

import httpx
import pytest

from services.api.signal_answers import WORDS
from services.ranking.features import TERMS
from services.readers import signal
from tests.api.village import ALICE, BOB, CAROL, Village

Json = dict[str, Any]
DAY = 24 * 60
HOME = f"/v1/users/{BOB}/home"


async def listing(client: httpx.AsyncClient, **asked: object) -> Json:
    answer = await client.get(HOME, params={"view": "signal", **asked})
    assert answer.status_code == 200, answer.text
    body: Json = answer.json()
    return body


def ids(body: Json) -> list[int]:
    return [int(each["post_id"]) for each in body["items"]]


@pytest.fixture
async def village(village: Village) -> Village:
    """Bob follows alice and carol."""
    await village.follows(BOB, ALICE)
    await village.follows(BOB, CAROL)
    return village


async def test_who_answers_comes_first_and_own_posts_last(
    village: Village, client: httpx.AsyncClient
) -> None:
    """Carol's answer to bob stands before alice's newer post; each says why."""
    of_bob = await village.post(BOB, 60, text="does it rain?")
    answer = await village.reply(CAROL, of_bob, 30, text="it does")
    newer = await village.post(ALICE, 5, text="good morning")
    body = await listing(client)
    assert ids(body) == [answer, newer, of_bob]
    first = body["items"][0]
    assert first["because"][0]["feature"] == "answers_you"
    assert first["because"][0]["words"] == "it answers you"
    assert first["score"] > body["items"][1]["score"]
    assert 0 < len(first["because"]) <= 5
    assert (body["prev"], body["gap"]) == (None, None)
    rest = await listing(client, before=body["next"])  # what is older than three days, if anything
    assert (rest["items"], rest["next"]) == ([], None)


async def test_what_was_answered_stands_behind(village: Village, client: httpx.AsyncClient) -> None:
    """Until the answer is deleted."""
    asked = await village.post(CAROL, 6, text="who comes along?")
    other = await village.post(ALICE, 60, text="good morning")
    assert ids(await listing(client)) == [asked, other]
    answer = await village.reply(BOB, asked, 4)
    assert ids(await listing(client))[0] == other
    await village.delete(BOB, answer)
    assert ids(await listing(client)) == [asked, other]


async def test_an_answer_that_bob_may_not_see_does_not_count(
    village: Village, client: httpx.AsyncClient
) -> None:
    """The score is the same with and without it; that of a visible answer is lower."""
    asked = await village.post(ALICE, 60, text="who comes along?")
    before = (await listing(client))["items"][0]["score"]
    await village.reply(9, asked, 30, visibility="followers")
    assert (await listing(client))["items"][0]["score"] == before
    await village.reply(9, asked, 20)
    assert (await listing(client))["items"][0]["score"] < before


async def test_repeats_are_folded_and_not_dropped(
    village: Village, client: httpx.AsyncClient
) -> None:
    """Of three equal texts one stands for the others, which come later in the walk."""
    texts = ("Sale, today only!", "SALE: today only", "sale today only 3")
    repeated = [await village.post(ALICE, 9 - n, text=text) for n, text in enumerate(texts)]
    other = await village.post(CAROL, 600, text="who comes along?")
    body = await listing(client)
    assert ids(body) == [repeated[2], other, repeated[1], repeated[0]]
    assert [each["folded"] for each in body["items"]] == [2, 0, 0, 0]


async def test_pages_of_one_walk_agree(village: Village, client: httpx.AsyncClient) -> None:
    """A post that comes meanwhile is in none of them; older ones follow newest first."""
    old = [await village.post(CAROL, 4 * DAY + n, text=f"old {n}") for n in range(3)]
    recent = [await village.post(ALICE, 50 - n, text="abc"[n]) for n in range(3)]
    whole = ids(await listing(client))
    assert whole == recent[::-1]
    walked: list[int] = []
    body = await listing(client, limit=2)
    await village.post(ALICE, -1, text="late")
    while True:
        walked += ids(body)
        if body["next"] is None:
            break
        body = await listing(client, limit=2, before=body["next"])
    assert walked == [*whole, *old]
    assert body["items"][-1]["score"] is None
    assert body["items"][-1]["because"] == []


async def test_only_the_newest_are_ordered(
    village: Village, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind them home goes on newest first, and ids alone are given on request."""
    monkeypatch.setattr(signal, "MAX_ORDERED", 2)
    posts = [await village.post(ALICE, 50 - n, text="abcd"[n]) for n in range(4)]
    first = await listing(client)
    assert ids(first) == posts[:1:-1]
    rest = await listing(client, before=first["next"], hydrate="false")
    assert rest["items"] == rest["post_ids"] == [str(each) for each in posts[1::-1]]
    assert rest["next"] is None


async def test_hidden_entries_do_not_shorten_the_order(
    village: Village, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading goes on below them, up to its bound; there home goes on."""
    monkeypatch.setattr(signal, "ROUNDS", (2, 2))
    old = await village.post(ALICE, 60, text="old")
    hidden = [await village.post(ALICE, 50 - n) for n in range(3)]
    for each in hidden:
        await village.delete(ALICE, each)
    body = await listing(client)
    assert ids(body) == [old]
    assert body["items"][0]["score"] is not None


async def test_explain_says_what_moves_a_post(village: Village, client: httpx.AsyncClient) -> None:
    """In words, where signal is asked for; nothing for what it does not order."""
    post = await village.post(ALICE, 60)
    await village.post(CAROL, 5, text="good morning")
    old = await village.post(CAROL, 4 * DAY)
    path = f"/v1/users/{BOB}/explain"
    body = (await client.get(f"{path}/{post}", params={"view": "signal"})).json()
    items = {each["post_id"]: each["because"] for each in (await listing(client))["items"]}
    assert body["because"] == items[str(post)]
    assert body["because"]
    old_one = (await client.get(f"{path}/{old}", params={"view": "signal"})).json()
    assert old_one["because"] == []
    assert "because" not in (await client.get(f"{path}/{post}")).json()


async def test_a_cursor_belongs_to_one_order(village: Village, client: httpx.AsyncClient) -> None:
    """That of newest first is invalid for signal."""
    await village.post(ALICE, 9)
    await village.post(ALICE, 8)
    cursor = (await client.get(HOME, params={"limit": 1})).json()["next"]
    answer = await client.get(HOME, params={"view": "signal", "before": cursor})
    assert (answer.status_code, answer.json()["field"]) == (400, "before")


def test_every_feature_has_words() -> None:
    """What moves a score can be told."""
    assert WORDS.keys() == TERMS.keys()
