"""Pages, their cursors and their parameters."""

import asyncio
import re
import time
from typing import Any

import httpx
import pytest

from schemas.ids import post_id
from services.api.wait_for import MAX_WAIT
from services.visibility.rules import RULES
from tests.api.village import ALICE, BOB, CAROL, MINUTE, NOW, Village, api_on, client_of

HOME = "/v1/users/1/home"
Json = dict[str, Any]


async def page(client: httpx.AsyncClient, path: str = HOME, **asked: object) -> Json:
    answer = await client.get(path, params=asked)
    assert answer.status_code == 200, answer.text
    body: Json = answer.json()
    return body


def ids(body: Json) -> list[int]:
    return [int(each["post_id"]) for each in body["items"]]


async def test_next_goes_older_and_prev_newer(village: Village, client: httpx.AsyncClient) -> None:
    """Both directions reach an end; at the old end `next` is null."""
    oldest, middle, newest = [await village.post(ALICE, minutes_ago=each) for each in (3, 2, 1)]
    first = await page(client, limit=2)
    assert (ids(first), first["gap"], first["state"]) == ([newest, middle], None, "ready")
    second = await page(client, limit=2, before=first["next"])
    assert (ids(second), second["next"]) == ([oldest], None)
    assert ids(await page(client, limit=1, after=second["prev"])) == [middle]
    assert ids(await page(client, limit=5, after=second["prev"])) == [newest, middle]


async def test_an_empty_page_gives_the_cursor_again(
    village: Village, client: httpx.AsyncClient
) -> None:
    """A client can poll with it."""
    await village.post(ALICE, minutes_ago=2)
    cursor = (await page(client))["prev"]
    for asked in ({"after": cursor}, {"newer_than": cursor}):
        polled = await page(client, **asked)
        assert (polled["items"], polled["next"] is None, polled["prev"]) == (
            [],
            "after" in asked,
            cursor,
        )
    late = await village.post(ALICE, minutes_ago=1)
    assert ids(await page(client, after=cursor)) == [late]


async def test_a_late_entry_is_given_after(village: Village, client: httpx.AsyncClient) -> None:
    """It is returned once, also below newer entries, but not below the oldest one returned."""
    await village.follows(ALICE, BOB)
    old, new = [await village.post(BOB, minutes_ago=each) for each in (9, 1)]
    cursor = (await page(client))["prev"]
    late, _too_old = [await village.post(BOB, minutes_ago=each) for each in (5, 10)]
    polled = await page(client, after=cursor)
    assert ids(polled) == [late]
    assert ids(await page(client, after=polled["prev"])) == []
    newest = await village.post(BOB, minutes_ago=0.5)
    assert ids(await page(client, after=polled["prev"])) == [newest]
    assert old < late < new


async def test_a_gap_is_closed_with_its_cursor(village: Village, client: httpx.AsyncClient) -> None:
    """The cursor goes into `before` with the same `newer_than`; `next` is unaffected."""
    known, one, two, three = [await village.post(ALICE, minutes_ago=each) for each in (4, 3, 2, 1)]
    seen = (await page(client, limit=1, before=(await page(client, limit=3))["next"]))["prev"]
    newest = await page(client, limit=2, newer_than=seen)
    assert ids(newest) == [three, two]
    assert (newest["gap"]["from"], newest["gap"]["to"]) == (str(two), str(known))
    rest = await page(client, limit=2, newer_than=seen, before=newest["gap"]["cursor"])
    assert (ids(rest), rest["gap"]) == ([one], None)
    assert ids(await page(client, before=newest["next"])) == [one, known]


@pytest.mark.parametrize("other", ["before", "newer_than"])
async def test_after_stands_alone(village: Village, client: httpx.AsyncClient, other: str) -> None:
    """Together with `before` or `newer_than` it is a 400."""
    await village.post(ALICE)
    cursor = (await page(client))["prev"]
    answer = await client.get(HOME, params={"after": cursor, other: cursor})
    assert (answer.status_code, answer.json()["field"]) == (400, "after")


async def test_the_link_header_says_the_same(village: Village, client: httpx.AsyncClient) -> None:
    """Its links keep the other parameters and lead through the whole timeline."""
    posts = [await village.post(ALICE, minutes_ago=each) for each in (3, 2, 1)]
    answer = await client.get(HOME, params={"limit": 1, "hydrate": "false", "wait_for": posts[0]})
    walked = [answer.json()["items"]]
    while "next" in answer.links:
        answer = await client.get(answer.links["next"]["url"])
        walked.append(answer.json()["items"])
    assert walked == [[str(each)] for each in reversed(posts)]
    back = await client.get(answer.links["prev"]["url"])
    assert back.json()["items"] == [str(posts[1])]
    assert re.fullmatch(r'<[^>]+>; rel="prev"', answer.headers["link"])


async def test_without_hydration_there_are_ids(village: Village, client: httpx.AsyncClient) -> None:
    """In a field of their own, and as items for another release; order and cursors are the same."""
    await village.post(ALICE)
    whole, bare = await page(client), await page(client, hydrate="false")
    posts = [each["post_id"] for each in whole["items"]]
    assert bare == whole | {"items": posts, "post_ids": posts}


async def test_an_authors_page_is_for_its_viewer(
    village: Village, client: httpx.AsyncClient
) -> None:
    """So are its cursors; without a viewer only public posts are shown."""
    await village.follows(ALICE, BOB)
    hidden = await village.post(BOB, minutes_ago=2, visibility="followers")
    public = await village.post(BOB, minutes_ago=1)
    posts = "/v1/users/2/posts"
    assert ids(await page(client, posts)) == [public]
    seen = await page(client, posts, viewer=ALICE)
    assert ids(seen) == [public, hidden]
    foreign = await client.get(posts, params={"viewer": CAROL, "before": seen["prev"]})
    assert (foreign.status_code, foreign.json()["field"]) == (400, "before")


async def test_cursors_do_not_travel_between_homes(
    village: Village, client: httpx.AsyncClient
) -> None:
    """They work neither for another user's home nor for the same user's author page."""
    await village.post(ALICE)
    cursor = (await page(client))["prev"]
    for path, viewer in (
        ("/v1/users/2/home", {}),
        ("/v1/users/1/posts", {}),
        ("/v1/users/1/posts", {"viewer": 1}),
    ):
        for name in ("before", "after", "newer_than"):
            answer = await client.get(path, params=viewer | {name: cursor})
            assert (answer.status_code, answer.json()["field"]) == (400, name)


async def test_wait_for_returns_as_soon_as_the_post_is_there(
    village: Village, client: httpx.AsyncClient
) -> None:
    """A client reads its own writes, however long delivery takes."""
    await village.follows(ALICE, BOB)
    coming = post_id(NOW - MINUTE, 0)
    waiting = asyncio.create_task(page(client, wait_for=coming))
    await asyncio.sleep(0.03)
    assert not waiting.done()
    assert await village.post(BOB, minutes_ago=1) == coming
    assert ids(await waiting) == [coming]
    assert ids(await page(client, wait_for=coming)) == [coming]


async def test_wait_for_waits_no_longer_than_its_bound(village: Village) -> None:
    """Then it answers with what is there."""
    posted = await village.post(ALICE)
    async with client_of(api_on(village.stores, max_wait_seconds=0.05)) as client:
        assert ids(await page(client, wait_for=posted + 1)) == [posted]
    assert MAX_WAIT == 2


@pytest.mark.parametrize("seen", [True, False])
async def test_waiting_tells_nothing_of_what_may_not_be_seen(village: Village, seen: bool) -> None:
    """Waiting for a hidden post takes as long as for one that does not exist."""
    await village.follows(ALICE, BOB)
    post = await village.post(BOB, visibility="direct", mentions=[ALICE if seen else CAROL])
    most = 60.0 if seen else 0.3
    async with client_of(api_on(village.stores, max_wait_seconds=most)) as client:
        began = time.monotonic()
        assert ids(await page(client, wait_for=post)) == [post] * seen
        assert (time.monotonic() - began < most) == seen


async def test_waiting_for_what_a_tag_brings(village: Village) -> None:
    """It is never delivered, and counts as arrived once the post exists."""
    await village.follows_tag(ALICE, "#Bread")
    post = await village.post(BOB, tags=["bread"])
    async with client_of(api_on(village.stores, max_wait_seconds=30)) as client:
        assert ids(await page(client, wait_for=post)) == [post]
        assert (await client.get(f"/v1/users/1/explain/{post}")).json() == {
            "shown": True,
            "rule": 17,
            "sentence": RULES[17].sentence,
            "reason": "followed_tag",
            "detail": "The post has a tag that the viewer follows.",
            "path": "tag",
            "stored": False,
        }
