"""Read marks: how far somebody has read, and home around it (rule 25)."""

import httpx

from schemas.relations import ReadMarked
from tests.api.village import ALICE, BOB, NOW, Village


async def mark(village: Village, what: str, up_to: int, at: int = 0) -> None:
    said = ReadMarked(version=NOW * 1_000 + at, owner_id=ALICE, what=what, up_to=up_to)
    await village.says(said)


async def test_marks_are_listed(village: Village, client: httpx.AsyncClient) -> None:
    """That of home first, each with its time, a page at a time; to their owner only."""
    assert (await client.get("/v1/users/1/marks")).json() == {"items": [], "next": None}
    whats = ["home", "conversation:8", "unanswered:8", "unanswered:9"]
    for each in whats[::-1]:
        await mark(village, each, 77)
    await mark(village, "home", 66, at=-1)
    found: list[dict[str, str]] = []
    asked = {"limit": "1"}
    while not found or "before" in asked:
        page = (await client.get("/v1/users/1/marks", params=asked)).json()
        found += page["items"]
        asked = {"limit": "1"} | ({"before": page["next"]} if page["next"] else {})
    assert found == [{"what": each, "up_to": "77", "at": "2026-09-21T14:13:20Z"} for each in whats]
    assert (await client.get("/v1/users/2/marks")).json()["items"] == []
    await mark(village, "home", 77, at=2**62)
    (home, *_) = (await client.get("/v1/users/1/marks")).json()["items"]
    assert home["at"] == "9999-12-31T00:00:00Z"
    wrong = await client.get("/v1/users/1/marks", params={"before": "x"})
    assert (wrong.status_code, wrong.json()["field"]) == (400, "before")


async def test_home_says_where_the_mark_is(village: Village, client: httpx.AsyncClient) -> None:
    """And how many entries are newer, exactly up to a hundred; on the newest page alone."""
    await village.follows(ALICE, BOB)
    posts = [await village.post(BOB, minutes_ago=200 - n) for n in range(103)]
    home = (await client.get("/v1/users/1/home", params={"limit": 2})).json()
    assert (home["mark"], home["unread"]) == (None, None)
    for newer, unread in ((0, 0), (1, 1), (2, 2), (3, 3), (99, 99), (100, 100), (102, 100)):
        await mark(village, "home", posts[-1 - newer], at=newer + 1)
        home = (await client.get("/v1/users/1/home", params={"limit": 2})).json()
        assert (home["mark"], home["unread"]) == (str(posts[-1 - newer]), unread)
    older = {"limit": 2, "before": home["next"]}
    page = (await client.get("/v1/users/1/home", params=older)).json()
    assert (page["mark"], page["unread"]) == (home["mark"], None)
    listing = (await client.get("/v1/users/2/posts")).json()
    assert "mark" not in listing


async def test_home_opens_around_the_mark(village: Village, client: httpx.AsyncClient) -> None:
    """Half of the page is newer, and both its cursors go on from there."""
    await village.follows(ALICE, BOB)
    posts = [await village.post(BOB, minutes_ago=20 - n) for n in range(9)]
    around = {"around": "mark", "limit": "4"}
    newest = (await client.get("/v1/users/1/home", params=around)).json()
    assert ids(newest) == posts[:-5:-1]
    await mark(village, "home", posts[4])
    page = (await client.get("/v1/users/1/home", params=around)).json()
    assert ids(page) == [posts[6], posts[5], posts[4], posts[3]]
    assert (page["mark"], page["unread"]) == (str(posts[4]), 4)
    older = await client.get("/v1/users/1/home", params={"before": page["next"]})
    assert ids(older.json()) == posts[2::-1]
    newer = await client.get("/v1/users/1/home", params={"after": page["prev"]})
    assert ids(newer.json()) == [posts[8], posts[7]]
    for cursor in ("before", "after", "newer_than"):
        refused = await client.get("/v1/users/1/home", params=around | {cursor: page["next"]})
        assert (refused.status_code, refused.json()["field"]) == (400, "around")


def ids(page: dict[str, list[dict[str, str]]]) -> list[int]:
    return [int(item["post_id"]) for item in page["items"]]
