"""The exact fields of items, threads and explanations."""

import httpx
import pytest
from pydantic import ValidationError

from schemas import events
from schemas.ids import MAX_ID, PostId
from services.posts.post import post_mutation
from services.settings.settings import LATEST_EPOCH, Settings
from services.visibility.rules import RULES
from tests.api.village import ALICE, BOB, CAROL, NOW, Village, api_on, client_of, memory


async def test_an_item_has_exactly_these_fields(
    village: Village, client: httpx.AsyncClient
) -> None:
    """Ids are strings, times RFC 3339 in UTC."""
    await village.follows(ALICE, BOB)
    post = await village.post(BOB, minutes_ago=2, text="hello", lang="en")
    (item,) = (await client.get("/v1/users/1/home")).json()["items"]
    assert item == {
        "post_id": str(post),
        "author_id": "2",
        "created_at": "2026-09-21T14:11:20Z",
        "text": "hello",
        "lang": "en",
        "visibility": "public",
        "parent_id": None,
        "root_id": str(post),
        "repost": None,
        "quote": None,
        "edited": False,
        "reason": {"kind": "follow", "by": "2"},
        "warn": None,
    }


async def test_a_repost_names_the_original(village: Village, client: httpx.AsyncClient) -> None:
    """Only post_id is the repost's own; everything else is the original's."""
    await village.follows(ALICE, BOB)
    original = await village.post(CAROL, minutes_ago=3, text="hear")
    repost = await village.post(BOB, minutes_ago=1, repost_of=original)
    (item,) = (await client.get("/v1/users/1/home")).json()["items"]
    assert (item["post_id"], item["author_id"], item["text"]) == (str(repost), "3", "hear")
    assert item["repost"] == {"by": ["2"], "original": str(original)}
    assert item["reason"] == {"kind": "repost", "by": "2"}


async def test_an_author_page_has_replies_or_not(
    village: Village, client: httpx.AsyncClient
) -> None:
    """A cursor is of one of the pages only."""
    posts = [await village.post(BOB, minutes_ago=9 - n) for n in range(2)]
    replies = [await village.reply(BOB, posts[0], minutes_ago=5 - n) for n in range(2)]
    for which, owed in (("all", posts + replies), ("none", posts), ("only", replies)):
        found: list[int] = []
        asked: dict[str, str] = {"replies": which, "limit": "1"}
        while len(found) < len(owed):
            page = (await client.get("/v1/users/2/posts", params=asked)).json()
            found += [int(item["post_id"]) for item in page["items"]]
            asked["before"] = page["next"]
        assert found == owed[::-1]
    page = (await client.get("/v1/users/2/posts", params={"replies": "only", "limit": "1"})).json()
    elsewhere = await client.get("/v1/users/2/posts", params={"before": page["next"]})
    assert (elsewhere.status_code, elsewhere.json()["field"]) == (400, "before")
    wrong = await client.get("/v1/users/2/posts", params={"replies": "some"})
    assert (wrong.status_code, wrong.json()["field"]) == (400, "replies")


async def test_explain_names_the_path_of_a_list(
    village: Village, client: httpx.AsyncClient
) -> None:
    """Where home is not owed the post."""
    post = await village.post(BOB)
    explained = f"/v1/users/1/explain/{post}"
    assert (await client.get(explained)).json()["path"] is None
    await village.lists(ALICE, 7, BOB)
    assert (await client.get(explained)).json()["path"] == "list"
    await village.follows(ALICE, BOB)
    assert (await client.get(explained)).json()["path"] == "pushed"


async def test_a_quote_has_the_quoted_item(village: Village, client: httpx.AsyncClient) -> None:
    """One level deep; of what that quotes there is the id alone."""
    first = await village.post(CAROL, minutes_ago=4, text="one")
    second = await village.post(CAROL, minutes_ago=3, text="two", quote_of=first)
    third = await village.post(BOB, minutes_ago=2, text="three", quote_of=second)
    quote = (await client.get(f"/v1/posts/{third}")).json()["quote"]
    assert (quote["post_id"], quote["placeholder"]) == (str(second), None)
    link = {"post_id": str(first), "item": None, "placeholder": None}
    assert (quote["item"]["text"], quote["item"]["quote"]) == ("two", link)
    await village.delete(CAROL, second)
    quote = (await client.get(f"/v1/posts/{third}")).json()["quote"]
    assert quote == {"post_id": str(second), "item": None, "placeholder": "deleted"}
    items = (await client.get(f"/v1/posts/{third}/thread")).json()["items"]
    assert items[0]["quote"] == quote


async def test_quotes_of_a_post_are_paged(village: Village, client: httpx.AsyncClient) -> None:
    """The newest first; 404 for a post that the viewer may not read."""
    post = await village.post(BOB, minutes_ago=9)
    quotes = [await village.post(CAROL, minutes_ago=8 - n, quote_of=post) for n in range(3)]
    first = (await client.get(f"/v1/posts/{post}/quotes", params={"limit": 2})).json()
    assert [each["post_id"] for each in first["items"]] == [str(quotes[2]), str(quotes[1])]
    rest = {"limit": 2, "before": first["next"]}
    last = (await client.get(f"/v1/posts/{post}/quotes", params=rest)).json()
    assert [each["post_id"] for each in last["items"]] == [str(quotes[0])]
    assert last["next"] is None
    other = await client.get(f"/v1/posts/{quotes[0]}/quotes", params=rest)
    assert (other.status_code, other.json()["field"]) == (400, "before")
    hidden = await village.post(BOB, visibility="direct")
    for unseen in (hidden, 99):
        assert (await client.get(f"/v1/posts/{unseen}/quotes")).status_code == 404


async def test_a_post_is_an_item(village: Village, client: httpx.AsyncClient) -> None:
    """Its time has milliseconds if not zero; it has no reason, being in no listing."""
    post = await village.post(BOB, text="hello")
    reply = await village.reply(BOB, post, minutes_ago=0.001, text="and more")
    item = (await client.get(f"/v1/posts/{reply}")).json()
    assert item["created_at"] == "2026-09-21T14:13:19.940000Z"
    assert (item["parent_id"], item["root_id"], item["reason"]) == (str(post), str(post), None)


async def test_a_thread_item_adds_its_place(village: Village, client: httpx.AsyncClient) -> None:
    """It has its depth and counts of truncated and hidden replies."""
    root = await village.post(BOB, minutes_ago=9)
    reply = await village.reply(CAROL, root, minutes_ago=8)
    items = (await client.get(f"/v1/posts/{reply}/thread")).json()["items"]
    assert [(each["post_id"], each["depth"]) for each in items] == [
        (str(root), -1),
        (str(reply), 0),
    ]
    item = (await client.get(f"/v1/posts/{reply}")).json()
    assert items[1] == item | {"depth": 0, "placeholder": None, "truncated": 0, "hidden": 0}


async def test_a_placeholder_tells_nothing(village: Village, client: httpx.AsyncClient) -> None:
    """It holds its position and kind only."""
    root = await village.post(BOB, minutes_ago=9, text="regret")
    await village.reply(CAROL, root, minutes_ago=8)
    await village.delete(BOB, root)
    answer = (await client.get(f"/v1/posts/{root}/thread")).json()
    assert answer["items"][0] == {
        "post_id": str(root),
        "depth": 0,
        "placeholder": "deleted",
        "truncated": 0,
        "hidden": 0,
    }


async def test_a_thread_is_cut_as_asked(village: Village, client: httpx.AsyncClient) -> None:
    """Depth, branches and order are parameters."""
    root = await village.post(BOB, minutes_ago=9)
    first = await village.reply(CAROL, root, minutes_ago=8)
    await village.reply(CAROL, first, minutes_ago=7)
    last = await village.reply(ALICE, root, minutes_ago=6)
    thread = f"/v1/posts/{root}/thread"
    shallow = (await client.get(thread, params={"depth": 1, "sort": "newest"})).json()["items"]
    assert [each["post_id"] for each in shallow] == [str(root), str(last), str(first)]
    assert [each["truncated"] for each in shallow] == [0, 0, 1]


async def test_a_post_is_there_for_its_audience_only(
    village: Village, client: httpx.AsyncClient
) -> None:
    """For other viewers the answer is that of a post that does not exist."""
    secret = await village.post(BOB, visibility="direct", mentions=(CAROL,))
    assert (await client.get(f"/v1/posts/{secret}?viewer=3")).status_code == 200
    unseen = await client.get(f"/v1/posts/{secret}?viewer=1")
    unknown = await client.get("/v1/posts/99?viewer=1")
    assert (unseen.status_code, unseen.json()) == (404, unknown.json())
    for path in (f"/v1/posts/{secret}/thread?viewer=1", f"/v1/users/1/explain/{secret}"):
        assert (await client.get(path)).status_code == 404


async def test_explain_says_the_rule_and_the_path(
    village: Village, client: httpx.AsyncClient
) -> None:
    """It also says whether the entry is stored."""
    await village.follows(ALICE, BOB)
    post = await village.post(BOB)
    explained = (await client.get(f"/v1/users/1/explain/{post}")).json()
    assert explained == {
        "shown": True,
        "rule": 2,
        "sentence": RULES[2].sentence,
        "reason": "followed",
        "detail": "The viewer follows the author.",
        "path": "pushed",
        "stored": True,
    }


async def test_ids_reach_no_further_than_times_do() -> None:
    """The last post of the latest epoch is answered; a later epoch is refused as a setting."""
    last = PostId(MAX_ID)
    stores = memory()
    said = events.PostCreated(version=NOW * 1_000, post_id=last, author_id=BOB, text="the last")
    await stores.posts.record([post_mutation(said)])
    async with client_of(api_on(stores, epoch=LATEST_EPOCH)) as client:
        answer = (await client.get(f"/v1/posts/{last}")).json()
    assert answer["created_at"].startswith("9999-12-31T23:59:59")
    with pytest.raises(ValidationError, match="epoch"):
        Settings(epoch=LATEST_EPOCH + 1)
