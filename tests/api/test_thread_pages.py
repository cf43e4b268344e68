"""Threads are read in pages, whose cursors are good for one order of one thread and one viewer."""

import httpx
import pytest

from tests.api.village import ALICE, BOB, CAROL, Village


@pytest.fixture
async def thread(village: Village) -> str:
    """A post of alice's with five replies of bob's and, the last one, her own."""
    root = await village.post(ALICE, minutes_ago=9)
    for minute in range(5):
        await village.reply(BOB, root, minutes_ago=8 - minute, text=f"{minute}")
    await village.reply(ALICE, root, minutes_ago=1, text="own")
    return f"/v1/posts/{root}/thread"


async def test_links_lead_from_page_to_page(client: httpx.AsyncClient, thread: str) -> None:
    """Only the first has the post; the last names no next one. A `Link` repeats what was asked."""
    answer = await client.get(thread, params={"limit": 2, "sort": "conversation", "viewer": CAROL})
    pages = [answer.json()]
    while "next" in answer.links:
        answer = await client.get(answer.links["next"]["url"])
        pages.append(answer.json())
    texts = [[each["text"] for each in page["items"]] for page in pages]
    assert texts == [["", "own", "0"], ["1", "2"], ["3", "4"]]
    assert [page["next"] is None for page in pages] == [False, False, True]
    assert pages[0]["items"][0]["truncated"] == 4


@pytest.mark.parametrize("asked", [{"sort": "oldest"}, {"viewer": BOB}, {}])
async def test_a_cursor_is_good_for_its_thread_only(
    client: httpx.AsyncClient, thread: str, village: Village, asked: dict[str, str | int]
) -> None:
    """In another order, for another viewer or post it is no cursor."""
    first = (await client.get(thread, params={"limit": 2, "sort": "newest"})).json()
    other = f"/v1/posts/{await village.post(BOB)}/thread" if not asked else thread
    parameters = {"sort": "newest", **asked, "before": first["next"]}
    refused = await client.get(other, params=parameters)
    assert (refused.status_code, refused.json()["field"]) == (400, "before")


@pytest.mark.parametrize("limit", [0, 401])
async def test_a_page_has_1_to_400_direct_replies(
    client: httpx.AsyncClient, thread: str, limit: int
) -> None:
    """Others are refused."""
    assert (await client.get(thread, params={"limit": limit})).status_code == 400


async def test_a_page_of_a_deleted_post_goes_on(
    client: httpx.AsyncClient, thread: str, village: Village
) -> None:
    """A cursor keeps its place where the post behind which it stands is gone."""
    asked = {"limit": 2, "sort": "oldest"}
    first = (await client.get(thread, params=asked)).json()
    await village.delete(BOB, int(first["items"][-1]["post_id"]))
    more = (await client.get(thread, params={**asked, "before": first["next"]})).json()
    assert [each["text"] for each in more["items"]] == ["2", "3"]
