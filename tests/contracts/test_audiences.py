"""The contract of `services.audiences.store`."""

from schemas.ids import MAX_ID, UserId
from services.audiences.store import (
    EVERYBODY,
    FOLLOWERS,
    AudienceChange,
    AudienceEntry,
    AudienceKey,
    Listing,
    followers_of,
)
from services.span import Span
from services.stores import Stores
from tests.contracts.histories import NewPeople, NewPost

WHOLE = Span()


def changes(*keys: AudienceKey, version: int = 1) -> list[AudienceChange]:
    return [AudienceChange(key, version) for key in keys]


async def test_entries_are_paged_by_listing_and_audience(
    stores: Stores, new_post: NewPost, new_people: NewPeople
) -> None:
    """In the order of the span, each once, those of many listings at once."""
    alice, bob, carol = new_people()
    posts = [new_post() for _ in range(5)]
    for author, some in ((alice, posts), (bob, posts[:1])):
        keys = [AudienceKey(Listing("author", author), EVERYBODY, each, author) for each in some]
        await stores.audiences.change(changes(*keys, *keys), [])
    hidden = AudienceKey(Listing("author", alice), FOLLOWERS, new_post(), alice)
    quoted = AudienceKey(Listing("quotes", alice), EVERYBODY, posts[0], bob)
    await stores.audiences.change(changes(hidden, quoted), [])

    async def page(*ids: int, span: Span = WHOLE, limit: int = 9) -> list[list[int]]:
        found = await stores.audiences.pages("author", ids, [EVERYBODY], span, limit)
        return [[entry.post_id for entry in found.get(each, [])] for each in ids]

    assert await page(alice, bob) == [posts[::-1], posts[:1]]
    assert await page(alice, limit=2) == [posts[:2:-1]]
    assert await page(alice, span=Span(below=posts[3]), limit=2) == [posts[2:0:-1]]
    oldest = Span(above=posts[1], newest_first=False)
    assert await page(alice, span=oldest, limit=2) == [posts[2:4]]
    assert await page(carol) == [[]]
    assert await stores.audiences.pages("quotes", [alice], [EVERYBODY], Span(), 9) == {
        alice: [AudienceEntry(posts[0], bob)]
    }


async def test_entries_for_several_audiences_are_one_page(
    stores: Stores, new_post: NewPost, new_people: NewPeople
) -> None:
    """In one order, each entry once, for as many audiences as somebody follows people."""
    alice, bob, carol = new_people()
    quotes = Listing("quotes", new_post())
    first, second, third = new_post(), new_post(), new_post()
    keys = [
        AudienceKey(quotes, EVERYBODY, first, alice),
        AudienceKey(quotes, followers_of(bob), second, bob),
        AudienceKey(quotes, bob, second, bob),
        AudienceKey(quotes, followers_of(alice), third, alice),
    ]
    await stores.audiences.change(changes(*keys), [])

    async def page(*audiences: int, span: Span = WHOLE, limit: int = 9) -> list[int]:
        found = await stores.audiences.pages("quotes", [quotes.id], audiences, span, limit)
        return [entry.post_id for entry in found.get(quotes.id, [])]

    many = [*map(followers_of, [alice, carol, *map(UserId, range(10**9, 10**9 + 2_500))])]
    assert await page(EVERYBODY, bob, *many) == [third, second, first]
    assert await page(EVERYBODY, bob, *many, limit=2) == [third, second]
    assert await page(EVERYBODY, bob, followers_of(bob)) == [second, first]
    oldest = Span(above=first, newest_first=False)
    assert await page(EVERYBODY, bob, *many, span=oldest, limit=1) == [second]
    assert await page(followers_of(UserId(MAX_ID)), followers_of(carol)) == []


async def test_the_highest_version_decides_in_any_order(
    stores: Stores, new_post: NewPost, new_people: NewPeople
) -> None:
    """At the same version it is removed; an older change that comes late changes nothing."""
    alice, _, _ = new_people()
    listing = Listing("author", alice)
    first, second, third = (AudienceKey(listing, EVERYBODY, new_post(), alice) for _ in range(3))
    change = stores.audiences.change
    await change(changes(first, second, third, version=3), [])
    await change([], changes(first, version=4))
    await change(changes(first, version=3), changes(second, version=2))
    await change([], changes(third, version=3))
    found = await stores.audiences.pages("author", [alice], [EVERYBODY], Span(), 9)
    assert [entry.post_id for entry in found[alice]] == [second.post_id]
    await change(changes(first, version=5), changes(first, version=4))
    found = await stores.audiences.pages("author", [alice], [EVERYBODY], Span(), 9)
    assert [entry.post_id for entry in found[alice]] == [second.post_id, first.post_id]


async def test_nothing_is_no_write(stores: Stores) -> None:
    await stores.audiences.change([], [])
    assert await stores.audiences.pages("author", [], [EVERYBODY], Span(), 9) == {}
