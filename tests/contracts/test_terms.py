"""The contract of `services.search.store`, asked of the tags' store and of the words'."""

import asyncio

import pytest

from schemas.ids import PostId, UserId
from services.search.store import ClaimVersion, PostClaim, PostTerms, TermStore
from services.span import Span
from services.stores import Stores
from tests.contracts.histories import NewPost, People


def term_of(people: People, name: str = "bread") -> str:
    """A term that no other test knows."""
    return f"#{name}{people.alice}"


@pytest.fixture(params=["tags", "words"])
def terms(request: pytest.FixtureRequest, stores: Stores) -> TermStore:
    found: TermStore = getattr(stores, request.param)
    return found


async def told(terms: TermStore, author: UserId, post: PostId, *by: str, version: int = 4) -> None:
    await terms.add([PostTerms(PostClaim(post, author), frozenset(by), version)])


async def test_posts_are_found_newest_first_and_once(
    terms: TermStore, people: People, new_post: NewPost
) -> None:
    """By any of the terms, whoever claims them, however far apart in time."""
    bread, salt = term_of(people), term_of(people, "salt")
    posts = [new_post(days_old=old) for old in (4_000, 400, 40, 4, 4, 0)]
    for post in (*posts[::2], *posts[1::2]):
        await told(terms, people.alice, post, bread)
    await told(terms, people.bob, posts[3], bread, salt)
    await told(terms, people.alice, other := new_post(days_old=100), salt)
    assert await terms.page([bread], Span(), 10) == posts[::-1]
    assert await terms.page([salt], Span(), 10) == [posts[3], other]
    both = await terms.page([bread, salt], Span(), 10)
    assert both == sorted([*posts, other], reverse=True)
    assert await terms.page([term_of(people, "rye")], Span(), 10) == []
    assert await terms.page([], Span(), 10) == []


@pytest.mark.parametrize("newest_first", [True, False])
async def test_a_page_begins_at_its_end_of_the_span(
    terms: TermStore, people: People, new_post: NewPost, newest_first: bool
) -> None:
    """Both its ends left out."""
    bread, salt = term_of(people), term_of(people, "salt")
    posts = [new_post(days_old=old) for old in (500, 50, 20, 19, 2, 1)]
    for place, post in enumerate(posts):
        await told(terms, people.alice, post, (bread, salt)[place % 2])
    span = Span(above=posts[0], below=posts[5], newest_first=newest_first)
    pages = [await terms.page([bread, salt], span, limit) for limit in range(1, 6)]
    inside = posts[4:0:-1] if newest_first else posts[1:5]
    assert pages == [inside[:limit] for limit in range(1, 6)]


async def test_withdrawn_terms_are_found_no_more(
    terms: TermStore, people: People, new_post: NewPost
) -> None:
    """Until they are added with a higher version; terms of other claims and posts stay."""
    bread, salt = term_of(people), term_of(people, "salt")
    hidden, stays = new_post(), new_post()
    await told(terms, people.alice, hidden, bread, salt, version=6)
    await told(terms, people.alice, hidden, salt, version=10)
    await told(terms, people.alice, stays, bread, version=6)
    await told(terms, people.bob, hidden, bread, version=6)
    await terms.withdraw([])
    await terms.withdraw([ClaimVersion(PostClaim(hidden, people.bob), 5)])
    assert await terms.page([bread], Span(), 10) == [stays, hidden]
    await terms.withdraw([ClaimVersion(PostClaim(hidden, people.bob), 7)])
    await terms.withdraw([ClaimVersion(PostClaim(hidden, people.alice), 7)])
    assert await terms.page([bread], Span(), 10) == [stays]
    assert await terms.page([salt], Span(), 10) == [hidden]
    claim = PostClaim(hidden, people.alice)
    await terms.withdraw([ClaimVersion(claim, 11), ClaimVersion(claim, 9)])
    assert await terms.page([salt], Span(), 10) == []
    await told(terms, people.alice, hidden, bread, version=14)
    assert await terms.page([bread], Span(), 10) == [stays, hidden]
    assert await terms.page([salt], Span(), 10) == []
    await terms.forget([claim])
    assert await terms.page([bread], Span(), 10) == [stays]


async def test_what_is_forgotten_is_found_no_more(
    terms: TermStore, people: People, new_post: NewPost
) -> None:
    """Nor when it is told again; what another claims of the same id stays."""
    bread, salt = term_of(people), term_of(people, "salt")
    gone, stays = new_post(), new_post()
    await told(terms, people.alice, gone, bread)
    await told(terms, people.alice, stays, bread)
    await terms.forget([PostClaim(gone, people.alice)])
    await told(terms, people.alice, gone, bread, salt)
    assert await terms.page([bread, salt], Span(), 10) == [stays]
    await told(terms, people.bob, gone, salt)
    assert await terms.page([bread, salt], Span(), 10) == [stays, gone]


async def test_what_is_forgotten_before_it_is_told_is_never_found(
    terms: TermStore, people: People, new_post: NewPost
) -> None:
    """Deletions may come first."""
    post = new_post()
    await terms.forget([PostClaim(post, people.alice)])
    await told(terms, people.alice, post, term_of(people))
    assert await terms.page([term_of(people)], Span(), 10) == []


async def test_telling_and_forgetting_at_once_leaves_nothing(
    terms: TermStore, people: People, new_post: NewPost
) -> None:
    """Whichever of the two writes first."""
    bread = term_of(people)
    posts = [new_post() for _ in range(6)]
    claims = [PostClaim(post, people.alice) for post in posts]
    tellings = [told(terms, people.alice, post, bread) for post in posts]
    forgettings = [terms.forget([claim]) for claim in claims]
    await asyncio.gather(*tellings[:3], *forgettings, *tellings[3:])
    assert await terms.page([bread], Span(), 10) == []


async def test_terms_are_any_text(terms: TermStore, people: People, new_post: NewPost) -> None:
    """Of any script, long, with what has a meaning elsewhere; thousands of one post."""
    post = new_post()
    odd = [f"{'é' * 64}{people.alice}", f"'; --{people.alice}", f"\N{CAT}\x00{people.alice}"]
    many = [f"{people.alice}w{number}" for number in range(5_000)]
    await told(terms, people.alice, post, *odd, *many)
    for term in (*odd, many[0], many[-1]):
        assert await terms.page([term], Span(), 1) == [post]
    await terms.forget([PostClaim(post, people.alice)])
    assert await terms.page([*odd, *many], Span(), 1) == []


async def test_nothing_to_tell_is_nothing_done(terms: TermStore) -> None:
    await terms.add([])
    await terms.forget([])
