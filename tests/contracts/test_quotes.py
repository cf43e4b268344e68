"""The contract of `services.quotes.store`."""

from services.quotes.store import QuoteLink
from services.span import Span
from services.stores import Stores
from tests.contracts.histories import NewPost


async def test_quotes_are_paged_from_both_ends(stores: Stores, new_post: NewPost) -> None:
    """In the order of the span, each once, and of no other post."""
    quoted, other, *posts = (new_post() for _ in range(7))
    links = [QuoteLink(quoted, each) for each in posts]
    await stores.quotes.add_quotes([*links, *links[:2], QuoteLink(other, posts[0])])
    await stores.quotes.add_quotes(links)
    page = stores.quotes.page
    assert await page(quoted, Span(), 9) == posts[::-1]
    assert await page(quoted, Span(), 2) == [posts[4], posts[3]]
    assert await page(quoted, Span(below=posts[3]), 2) == [posts[2], posts[1]]
    assert await page(quoted, Span(above=posts[1], newest_first=False), 2) == posts[2:4]
    assert await page(other, Span(), 9) == posts[:1]
    assert await page(posts[0], Span(), 9) == []


async def test_quotes_of_many_posts_are_read_at_once(stores: Stores, new_post: NewPost) -> None:
    """The newest of each come first, up to a limit; posts without quotes are left out."""
    quoted, other, alone, *posts = (new_post() for _ in range(6))
    links = [QuoteLink(quoted, each) for each in posts]
    await stores.quotes.add_quotes([*links[::-1], QuoteLink(other, posts[2])])
    found = await stores.quotes.quotes_of([quoted, other, alone], 2)
    assert found == {quoted: posts[:0:-1], other: posts[2:]}


async def test_no_links_are_no_write(stores: Stores) -> None:
    await stores.quotes.add_quotes([])
