"""Mentions and what waits for an answer, over HTTP."""

from typing import Any

import httpx
import pytest

from schemas.relations import ReadMarked
from tests.api.village import ALICE, BOB, CAROL, NOW, Village

Json = dict[str, Any]


async def listing(client: httpx.AsyncClient, name: str = "mentions", **asked: object) -> Json:
    answer = await client.get(f"/v1/users/{BOB}/{name}", params=asked)
    assert answer.status_code == 200, answer.text
    body: Json = answer.json()
    return body


def ids(body: Json) -> list[int]:
    return [int(each["post_id"]) for each in body["items"]]


async def test_a_mention_says_why(village: Village, client: httpx.AsyncClient) -> None:
    """Alice names bob, carol answers him, and alice answers her; the author is who it is by."""
    of_bob = await village.post(BOB, 9)
    answer = await village.reply(CAROL, of_bob, 8)
    below = await village.reply(ALICE, answer, 7)
    named = await village.post(ALICE, 6, mentions=(BOB,))
    body = await listing(client)
    assert [(int(each["post_id"]), each["why"]) for each in body["items"]] == [
        (named, "mention"),
        (below, "line"),
        (answer, "reply"),
    ]
    assert body["items"][0]["reason"] == {"kind": "mention", "by": str(ALICE)}
    assert (body["next"], body["gap"], body["state"]) == (None, None, "ready")


async def test_mentions_page_as_every_listing_does(
    village: Village, client: httpx.AsyncClient
) -> None:
    """Older by `next`, newer by `prev`, and what comes late in between is given once."""
    first, second, third = [await village.post(ALICE, each, mentions=(BOB,)) for each in (9, 8, 7)]
    newest = await listing(client, limit=2)
    assert ids(newest) == [third, second]
    assert ids(await listing(client, limit=2, before=newest["next"])) == [first]
    late = await village.post(CAROL, 7.5, mentions=(BOB,))
    after = await listing(client, after=newest["prev"])
    assert ids(after) == [late]
    assert ids(await listing(client, after=after["prev"])) == []


async def test_what_waits_longest_comes_first_on_request(
    village: Village, client: httpx.AsyncClient
) -> None:
    """`next` goes on to newer ones and `prev` back; `newer_than` has no meaning there."""
    posts = [await village.post(ALICE, each, mentions=(BOB,)) for each in (9, 8, 7)]
    one = await listing(client, "unanswered", sort="oldest", limit=1)
    assert ids(one) == posts[:1]
    two = await listing(client, "unanswered", sort="oldest", limit=1, before=one["next"])
    assert ids(two) == posts[1:2]
    rest = await listing(client, "unanswered", sort="oldest", before=two["next"])
    assert (ids(rest), rest["next"]) == (posts[2:], None)
    back = await listing(client, "unanswered", sort="oldest", after=rest["prev"])
    assert ids(back) == posts[:2]
    beyond = await listing(client, "unanswered", sort="oldest", after=back["prev"])
    assert (ids(beyond), beyond["prev"]) == ([], back["prev"])
    assert ids(await listing(client, "unanswered")) == posts[::-1]


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"sort": "best"}, "sort"),
        ({"sort": "oldest", "newer_than": "cursor"}, "newer_than"),
        ({"limit": 0}, "limit"),
        ({"before": "cursor"}, "before"),
    ],
)
async def test_what_cannot_be_asked_is_named(
    client: httpx.AsyncClient, asked: Json, field: str
) -> None:
    """Also a cursor of the other order is none of this one."""
    answer = await client.get(f"/v1/users/{BOB}/unanswered", params=asked)
    assert (answer.status_code, answer.json()["field"]) == (400, field)


async def test_a_cursor_belongs_to_one_order(village: Village, client: httpx.AsyncClient) -> None:
    """That of the newest first is invalid for the oldest first."""
    await village.post(ALICE, 9, mentions=(BOB,))
    cursor = (await listing(client, "unanswered"))["prev"]
    asked = {"sort": "oldest", "before": cursor}
    answer = await client.get(f"/v1/users/{BOB}/unanswered", params=asked)
    assert (answer.status_code, answer.json()["field"]) == (400, "before")


async def test_an_answer_takes_off_and_its_deletion_brings_back(
    village: Village, client: httpx.AsyncClient
) -> None:
    """At the next read; so does setting aside."""
    asked = await village.post(ALICE, 9, mentions=(BOB,))
    assert ids(await listing(client, "unanswered")) == [asked]
    answer = await village.reply(BOB, asked, 8)
    assert ids(await listing(client, "unanswered")) == []
    await village.delete(BOB, answer)
    assert ids(await listing(client, "unanswered")) == [asked]
    mark = ReadMarked(version=NOW * 1_000, owner_id=BOB, what=f"unanswered:{asked}", up_to=asked)
    await village.says(mark)
    assert ids(await listing(client, "unanswered")) == []
    assert ids(await listing(client)) == [asked]
