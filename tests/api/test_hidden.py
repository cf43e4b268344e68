"""What is not public cannot be told from search, tags or cursors (rules 17 and 18)."""

from base64 import urlsafe_b64decode
from collections import Counter
from typing import Any

import httpx
import pytest

from schemas import relations
from services.readers import reader
from services.span import Span
from services.stores import Stores
from tests.api.village import ALICE, BOB, CAROL, NOW, Village, api_on, client_of

MANY = 400
"""More hidden posts than one page of two items looks at."""


class Counted:
    """A port that counts its calls, and the rows that they return."""

    def __init__(self, port: Any, work: Counter[str]) -> None:
        self._port = port
        self._work = work

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)

        async def counted(*given: Any, **named: Any) -> Any:
            answer = await method(*given, **named)
            place = f"{type(self._port).__name__}.{name}"
            self._work[place] += 1
            self._work[f"{place} rows"] += len(answer) if hasattr(answer, "__len__") else 0
            return answer

        return counted


async def answered(village: Village, path: str, **asked: object) -> tuple[Any, Counter[str]]:
    """The body of an answer and the work it took."""
    work: Counter[str] = Counter()
    async with client_of(api_on(Stores(*(Counted(each, work) for each in village.stores)))) as own:
        answer = await own.get(path, params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json(), work


async def hide(village: Village, visibility: str) -> None:
    for each in range(MANY):
        await village.post(ALICE, minutes_ago=each + 1, text="secret", visibility=visibility)


@pytest.mark.parametrize("visibility", ["unlisted", "followers", "direct"])
@pytest.mark.parametrize(
    ("hidden", "absent"),
    [
        ({"q": "secret"}, {"q": "nowhere"}),
        ({"q": "secret", "author": ALICE}, {"q": "nowhere", "author": ALICE}),
        ({"author": ALICE}, {"author": CAROL}),
        ({"since": "2000-01-01T00:00:00Z"}, {"since": "2100-01-01T00:00:00Z"}),
    ],
)
async def test_a_search_does_the_same_for_what_is_hidden_as_for_what_is_absent(
    village: Village, visibility: str, hidden: dict[str, Any], absent: dict[str, Any]
) -> None:
    """The same answer by the same store requests, which give as many rows."""
    await hide(village, visibility)
    for viewer in ({}, {"viewer": BOB}):
        found = await answered(village, "/v1/search", limit=2, **hidden, **viewer)
        assert found == await answered(village, "/v1/search", limit=2, **absent, **viewer)
        assert found[0]["next"] is None


async def test_a_tag_does_the_same_for_what_is_hidden_as_for_what_is_absent(
    village: Village,
) -> None:
    await village.post(ALICE, tags=["secret"], visibility="direct")
    found = await answered(village, "/v1/tags/secret")
    assert found == await answered(village, "/v1/tags/nowhere")


async def test_what_an_edit_narrows_leaves_no_trace(
    village: Village, client: httpx.AsyncClient
) -> None:
    """And is found again once an edit widens it."""
    post = await village.post(ALICE, text="secret", tags=["secret"])
    await village.edit(ALICE, post, visibility="direct")
    absent = await answered(village, "/v1/search", q="nowhere")
    assert await answered(village, "/v1/search", q="secret") == absent
    await village.edit(ALICE, post, visibility="public")
    body = (await client.get("/v1/search", params={"q": "secret"})).json()
    assert [each["post_id"] for each in body["items"]] == [str(post)]


@pytest.mark.parametrize("asked", [{"author": ALICE}, {"q": "bread"}, {}])
async def test_a_page_does_not_end_early_over_hidden_posts(
    village: Village, client: httpx.AsyncClient, asked: dict[str, Any]
) -> None:
    """Nor in a conversation: the first page has the public post behind them, and no next."""
    root = await village.post(ALICE, minutes_ago=1_000, text="bread")
    for each in range(MANY):
        await village.reply(
            ALICE, root, minutes_ago=each + 1, text="bread", visibility="direct", tags=["rye"]
        )
    path = "/v1/search"
    body = (await client.get(path, params={"limit": 2, "conversation": root, **asked})).json()
    assert [each["post_id"] for each in body["items"]] == [str(root)]
    assert body["next"] is None


async def test_an_authors_page_does_not_end_early_over_a_run_of_hidden_posts(
    village: Village, client: httpx.AsyncClient
) -> None:
    """Within a bound that is the same for small pages."""
    last = await village.post(ALICE, minutes_ago=1_000)
    await hide(village, "direct")
    body = (await client.get(f"/v1/users/{ALICE}/posts", params={"limit": 1})).json()
    assert [each["post_id"] for each in body["items"]] == [str(last)]
    assert body["next"] is None


async def test_no_cursor_shows_the_place_of_a_post(
    village: Village, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On an author's page `next` may mark a post that is not given: its id is not in the token."""
    await hide(village, "public")
    monkeypatch.setattr(reader, "MAX_REFILLS", 1)
    asked = {"limit": 2, "replies": "only"}
    body = (await client.get(f"/v1/users/{ALICE}/posts", params=asked)).json()
    assert body["items"] == []
    token = body["next"]
    content = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    entries = await village.stores.author_timelines.author_pages([ALICE], Span(), MANY)  # type: ignore[list-item]
    assert not [post for post in entries[ALICE] if post.to_bytes(8) in content]  # type: ignore[index]


@pytest.mark.parametrize(
    ("own", "reason"), [("mute", "muted"), ("block", "blocked"), ("both", "blocked")]
)
async def test_explain_tells_a_viewer_of_their_own_statements_alone(
    village: Village, client: httpx.AsyncClient, own: str, reason: str
) -> None:
    """Whether or not the author blocks them as well."""
    post = await village.post(ALICE)
    said = {"version": NOW * 1_000, "owner_id": BOB, "target_id": ALICE}
    if own in ("mute", "both"):
        await village.says(relations.MuteCreated(**said))
    if own in ("block", "both"):
        await village.says(relations.BlockCreated(**said))
    path = f"/v1/users/{BOB}/explain/{post}"
    before = (await client.get(path)).json()
    assert (before["rule"], before["reason"]) == (6, reason)
    theirs = {"version": NOW * 1_000, "owner_id": ALICE, "target_id": BOB}
    await village.says(relations.BlockCreated(**theirs))
    assert (await client.get(path)).json() == before


LISTINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "author": ("/v1/users/1/posts", {}),
    "replies": ("/v1/users/1/posts", {"replies": "only"}),
    "list": ("/v1/lists/7/timeline", {}),
    "quotes": ("/v1/posts/{root}/quotes", {}),
    "conversation": ("/v1/search", {"conversation": "{root}"}),
}


async def listed(
    village: Village, listing: str, root: int, **asked: object
) -> tuple[Any, Counter[str]]:
    """The body of a listing's page and the work it took."""
    path, query = LISTINGS[listing]
    given = {name: value.format(root=root) for name, value in query.items()}
    return await answered(village, path.format(root=root), **given, **asked)


@pytest.mark.parametrize("visibility", ["unlisted", "followers", "direct"])
@pytest.mark.parametrize("listing", LISTINGS)
async def test_a_listing_does_the_same_whatever_is_hidden_in_it(
    village: Village, listing: str, visibility: str
) -> None:
    """By the same store requests, which give as many rows."""
    root = await village.post(CAROL, minutes_ago=900)
    await village.lists(BOB, 7, ALICE, CAROL)
    for minutes_ago in (800, 0.5):
        await village.reply(ALICE, root, minutes_ago=minutes_ago, quote_of=root)
    viewer = {"viewer": BOB}
    if visibility == "unlisted":
        viewer = {}  # who is signed in may read them
        if listing == "list":
            pytest.skip("a list has no anonymous readers")
    before = await listed(village, listing, root, limit=1, **viewer)
    assert before[0]["items"]
    for each in range(MANY):
        await village.reply(ALICE, root, minutes_ago=each + 1, quote_of=root, visibility=visibility)
    after = await listed(village, listing, root, limit=1, **viewer)
    assert after == before


@pytest.mark.parametrize("listing", LISTINGS)
async def test_what_an_edit_narrows_leaves_its_listings(village: Village, listing: str) -> None:
    """And is back in them once an edit widens it, by the edits' versions and not by their order."""
    root = await village.post(CAROL, minutes_ago=900)
    await village.lists(BOB, 7, ALICE, CAROL)
    empty = await listed(village, listing, root, viewer=BOB)
    post = await village.reply(ALICE, root, minutes_ago=5, quote_of=root)
    assert str(post) in str((await listed(village, listing, root, viewer=BOB))[0])
    await village.edit(ALICE, post, visibility="direct")
    assert await listed(village, listing, root, viewer=BOB) == empty
    await village.edit(ALICE, post, visibility="public")
    assert str(post) in str((await listed(village, listing, root, viewer=BOB))[0])


async def test_followers_and_the_mentioned_find_what_is_for_them(village: Village) -> None:
    """On the author's page, in a list and among quotes; the author finds all of their own."""
    root = await village.post(CAROL, minutes_ago=900)
    await village.lists(BOB, 7, ALICE, CAROL)
    said = {
        "followers": await village.post(ALICE, visibility="followers", quote_of=root),
        "direct": await village.post(ALICE, visibility="direct", mentions=[BOB], quote_of=root),
        "hidden": await village.post(ALICE, visibility="direct", mentions=[CAROL], quote_of=root),
    }

    async def found(listing: str, viewer: int) -> set[str]:
        body, _ = await listed(village, listing, root, viewer=viewer)
        given = {each["post_id"] for each in body["items"]}
        return {name for name, post in said.items() if str(post) in given}

    listings = ("author", "list", "quotes")
    assert [await found(each, BOB) for each in listings] == [{"direct"}] * 3
    await village.follows(BOB, ALICE)
    assert [await found(each, BOB) for each in listings] == [{"direct", "followers"}] * 3
    assert await found("author", ALICE) == set(said)
    assert await found("quotes", ALICE) == set(said)
