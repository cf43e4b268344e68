"""Tags, search and lists over HTTP."""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import httpx
import pytest

from tests.api.test_listings import ids, page
from tests.api.village import ALICE, BOB, CAROL, NOW, Village

LIST = 7


def minutes_ago(minutes: int) -> str:
    return (datetime.fromtimestamp(NOW / 1_000, UTC) - timedelta(minutes=minutes)).isoformat()


def microseconds_ago(minutes: int) -> int:
    return (NOW - minutes * 60_000) * 1_000


async def walked(client: httpx.AsyncClient, path: str, **asked: object) -> list[int]:
    """Return the items of all pages, following their `Link` headers."""
    answer = await client.get(path, params={"limit": 1, **asked})
    found = ids(answer.json())
    while "next" in answer.links:
        answer = await client.get(answer.links["next"]["url"])
        assert answer.status_code == 200, answer.text
        found += ids(answer.json())
    return found


async def test_a_tag_timeline(village: Village, client: httpx.AsyncClient) -> None:
    """Any, all and none ignore case, and each item's reason is the tag."""
    rye, both, salt = [
        await village.post(ALICE, minutes_ago=3 - place, tags=tags)
        for place, tags in enumerate((["Rye"], ["#rye", "salt"], ["salt"]))
    ]
    await village.post(BOB, tags=["rye"], visibility="unlisted")
    assert await walked(client, "/v1/tags/rye") == [both, rye]
    assert await walked(client, "/v1/tags/%23RYE", any="salt,oats") == [salt, both, rye]
    assert await walked(client, "/v1/tags/rye", any="salt", all="salt,rye") == [both]
    assert await walked(client, "/v1/tags/salt", none="Rye") == [salt]
    body = await page(client, "/v1/tags/rye", limit=1)
    assert body["items"][0]["reason"] == {"kind": "tag", "by": "1"}


@pytest.mark.parametrize(
    "tag",
    [
        "brot\N{LATIN SMALL LETTER SHARP S}",
        "面包",
        "a b?c%",
        "x" * 300,
        "rock/roll",
        "/",
        "%2F",
        "a//b/",
    ],
)
async def test_a_tag_is_any_text(village: Village, client: httpx.AsyncClient, tag: str) -> None:
    """It holds in the `Link` header too."""
    posts = [await village.post(ALICE, minutes_ago=each, tags=[tag]) for each in (2, 1)]
    answer = await client.get(f"/v1/tags/{quote(tag, safe='')}", params={"limit": 1})
    assert ids(answer.json()) == posts[1:]
    assert ids((await client.get(answer.links["next"]["url"])).json()) == posts[:1]


async def test_cursors_are_of_what_was_asked(village: Village, client: httpx.AsyncClient) -> None:
    """A cursor of other tags or other words is a 400."""
    await village.post(ALICE, tags=["rye"], text="rye bread")
    for path, asked, other in (
        ("/v1/tags/rye", {}, {"any": "salt"}),
        ("/v1/tags/rye", {"all": "rye"}, {"any": "rye"}),
        ("/v1/search", {"q": "rye"}, {"q": "rye bread"}),
        ("/v1/search", {"q": "rye"}, {"q": "rye", "viewer": BOB}),
    ):
        cursor = (await page(client, path, **asked))["prev"]
        assert (await page(client, path, **asked, after=cursor))["items"] == []
        answer = await client.get(path, params=other | {"after": cursor})
        assert (answer.status_code, answer.json()["field"]) == (400, "after")


async def test_search(village: Village, client: httpx.AsyncClient) -> None:
    """Words, author, tag, times and conversation work alone and together."""
    root = await village.post(ALICE, minutes_ago=30, text="Rye bread, fresh", tags=["rye"])
    answer = await village.reply(BOB, root, minutes_ago=20, text="Fresh? Bread!")
    later = await village.post(BOB, minutes_ago=10, text="no bread")
    await village.post(BOB, minutes_ago=5, text="fresh bread", visibility="followers")
    for asked, found in (
        ({"q": "BREAD"}, [later, answer, root]),
        ({"q": "fresh bread"}, [answer, root]),
        ({"q": "bread", "author": BOB}, [later, answer]),
        ({"author": ALICE}, [root]),
        ({"tag": "#Rye"}, [root]),
        ({"since": minutes_ago(20)}, [later, answer]),
        ({"since": microseconds_ago(20)}, [later, answer]),
        ({"until": minutes_ago(20)}, [root]),
        ({"since": minutes_ago(25), "until": minutes_ago(15), "q": "bread"}, [answer]),
        ({"conversation": root}, [answer, root]),
        ({"q": "fresh", "conversation": later}, []),
        ({"q": "brea"}, []),
        ({"since": "2100-01-01T00:00:00Z"}, []),
        ({"until": "1970-01-01T00:00:00Z"}, []),
    ):
        assert await walked(client, "/v1/search", **asked) == found, asked


async def test_nothing_that_is_deleted_is_found(
    village: Village, client: httpx.AsyncClient
) -> None:
    """A word that an edit removed finds nothing either."""
    post = await village.post(ALICE, text="fresh bread", tags=["rye"])
    await village.edit(ALICE, post, text="stale bread")
    assert await walked(client, "/v1/search", q="fresh") == []
    assert await walked(client, "/v1/search", q="stale") == [post]
    await village.delete(ALICE, post)
    for path, asked in (("search", {"q": "bread"}), ("search", {"author": 1}), ("tags/rye", {})):
        assert await walked(client, f"/v1/{path}", **asked) == []


async def test_signs_are_found_or_refused(village: Village, client: httpx.AsyncClient) -> None:
    """Never ignored: alone they are refused, with a criterion they are looked for."""
    plus = await village.post(ALICE, minutes_ago=3, text="bread ++")
    cat = await village.post(ALICE, minutes_ago=2, text="bread \u9ed2\u732b")
    emoji = await village.post(BOB, minutes_ago=1, text="bread \U0001f408")
    for text, found in (
        ("bread ++", [plus]),
        ("bread \u732b", [cat]),
        ("\u9ed2\u732b", [cat]),
        ("\U0001f408", [emoji]),
        ("\U0001f415", []),
    ):
        assert await walked(client, "/v1/search", q=text) == found, text
    assert await walked(client, "/v1/search", q="++", author=ALICE) == [plus]
    for text in ("++", "\u732b", "\u200b", " "):
        refused = await client.get("/v1/search", params={"q": text})
        assert (refused.status_code, refused.json()["field"]) == (400, "q"), text
    many = " ".join(f"w{each}" for each in range(17))
    assert (await client.get("/v1/search", params={"q": many})).status_code == 400
    assert await walked(client, "/v1/search", q="\u732b" * 300) == []


async def test_a_list_is_read_by_its_owner(village: Village, client: httpx.AsyncClient) -> None:
    """For other users and without a viewer it does not exist."""
    path = f"/v1/lists/{LIST}/timeline"
    await village.lists(ALICE, LIST, BOB)
    posts = [await village.post(BOB, minutes_ago=each) for each in (2, 1)]
    await village.post(CAROL)
    assert await walked(client, path, viewer=ALICE) == posts[::-1]
    body = await page(client, path, viewer=ALICE)
    assert body["items"][0]["reason"] == {"kind": "list", "by": "2"}
    unknown = await client.get("/v1/lists/8/timeline", params={"viewer": ALICE})
    for viewer in ({"viewer": BOB}, {}):
        answer = await client.get(path, params=viewer)
        assert (answer.status_code, answer.json()) == (404, unknown.json())


async def test_members_who_repost_the_same_share_a_place(
    village: Village, client: httpx.AsyncClient
) -> None:
    """The earliest repost of the day names the other members; other reposters do not count."""
    await village.lists(ALICE, LIST, BOB, CAROL)
    original = await village.post(9, minutes_ago=9)
    first = await village.post(CAROL, minutes_ago=8, repost_of=original)
    await village.post(10, minutes_ago=7, repost_of=original)
    await village.post(BOB, minutes_ago=6, repost_of=original)
    body = await page(client, f"/v1/lists/{LIST}/timeline", viewer=ALICE)
    assert ids(body) == [first]
    assert body["items"][0]["repost"] == {"by": ["3", "2"], "original": str(original)}
