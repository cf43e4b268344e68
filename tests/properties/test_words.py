"""A word finds exactly the public posts that say it; what is not public is in no index."""

from itertools import permutations
from random import Random
from typing import Any

import pytest
from hypothesis import strategies as st

from schemas.events import (
    Creation,
    Edit,
    PostCreated,
    PostDeleted,
    PostEdited,
    PostFact,
    Visibility,
)
from schemas.ids import PostId, UserId, post_id
from schemas.relations import AccountErased
from services.handlers.public_index import public_post
from services.posts.memory import MemoryPosts
from services.posts.post import ClaimedPost, post_mutation
from services.search.store import PostClaim, PostTerms, TermStore, claim_of
from services.search.term_tables import ADDED
from services.search.terms import PublicPost, tag_term, tags_of, word_term, words_of
from services.span import Span
from streams.cli.reindex import reindex
from streams.pace import Pace
from tests.histories import NOW, Fact, chances
from tests.properties.concurrent_writer import ConcurrentWriter
from tests.properties.conftest import Prove
from tests.properties.world import World
from tests.relation_histories import whole_histories

MANY = 1_000
TIME = NOW * 1_000
POST = post_id(NOW, 1)
OF_ALICE: dict[str, Any] = {"post_id": POST, "author_id": 1}


async def assert_found(world: World, facts: list[Fact]) -> None:
    """Each word and tag finds the claims that are public and say it, and none that are not public.

    A public claim may still be found by what its messages said before, and one that was a post
    before an earlier version of it came that is a repost. What the erased wrote is forgotten.
    """
    erased = {fact.owner_id for fact in facts if isinstance(fact, AccountErased)}
    posts = [fact for fact in facts if isinstance(fact, PostFact)]
    stores = world.reader.stores
    for store, terms_of in ((stores.words, words_of), (stores.tags, tags_of)):
        said: dict[str, set[PostId]] = {}
        for fact in posts:
            for term in terms_of(as_public(fact)):
                said.setdefault(term, set()).add(PostId(fact.post_id))
        claims = await merged_claims(posts)
        kept = [each for each in claims if each.post.author_id not in erased]
        owed = [post for each in kept if (post := public_post(each)) is not None]
        public = {
            post.post_id for post, *_ in claims if post.visibility == "public" and not post.deleted
        }
        for term, sayers in said.items():
            found = set(await store.page([term], Span(), MANY))
            assert found >= {each.claim.post_id for each in owed if term in terms_of(each)}, term
            assert found <= sayers & public, term


def as_public(fact: PostFact) -> PublicPost:
    """All that a message says, as if its post were public."""
    spoken = fact if isinstance(fact, Creation | Edit) else None
    text, tags = (spoken.text, spoken.tags) if spoken else (None, None)
    return PublicPost(claim_of(fact), 0, text or "", frozenset(tags or ()))


async def merged_claims(facts: list[PostFact]) -> list[ClaimedPost]:
    """The claims that all the messages make together."""
    merged = MemoryPosts()
    await merged.record([post_mutation(fact) for fact in facts])
    return await merged.load_claims({PostId(fact.post_id) for fact in facts})


def test_words_find_the_public_posts_that_say_them(prove: Prove) -> None:
    """In any order, and whichever of the two roles is ahead of the other."""

    async def holds(facts: list[Fact], chance: Random) -> None:
        await assert_found(await World().deliver(facts, chance), facts)

    prove(holds, 30, whole_histories(), chances)


def test_workers_that_fail_midway_find_the_same(prove: Prove) -> None:
    """Also half of what they were asked to forget, or to add, may be done twice."""

    async def holds(facts: list[Fact], chance: Random, failing: float) -> None:
        world = World(between=lambda port: ConcurrentWriter(port, chance, failing))
        await assert_found(await world.deliver_by(3, facts, chance), facts)

    prove(holds, 15, whole_histories(), chances, st.sampled_from((0, 0.02, 0.1)))


async def test_a_deletion_waits_for_no_search() -> None:
    """Its words are gone when it is recorded, and what the search reads later adds none."""
    world = World()
    created = PostCreated(version=TIME, text="regret", tags=("woe",), **OF_ALICE)
    edited = PostEdited(version=TIME + 1, text="rue", **OF_ALICE)
    deleted = PostDeleted(version=TIME, **OF_ALICE)
    await world.handle([created])
    await world.handle([deleted], "ingest")
    assert await found_by(world) == set()
    await world.handle([edited, created], "search")
    assert await found_by(world) == set()


WORDS = ("regret", "rue", "hope")


async def found_by(world: World) -> set[str]:
    """The words and tags by which Alice's post is found."""
    stores = world.reader.stores
    terms: list[tuple[TermStore, str]] = [(stores.words, word_term(word)) for word in WORDS]
    terms += [(stores.tags, tag_term(word)) for word in WORDS]
    return {term for store, term in terms if await store.page([term], Span(), MANY) == [POST]}


def edit(version: int, **said: Any) -> PostEdited:
    return PostEdited(version=TIME + version, **OF_ALICE, **said)


def created(visibility: Visibility | None, word: str = "regret") -> PostCreated:
    return PostCreated(version=TIME, text=word, tags=(word,), visibility=visibility, **OF_ALICE)


@pytest.mark.parametrize("visibility", ["unlisted", "followers", "direct"])
async def test_what_is_not_public_is_not_indexed(visibility: Visibility) -> None:
    world = World()
    await world.handle([created(visibility)])
    await world.handle([edit(1, text="rue", tags=("rue",))])
    assert await found_by(world) == set()
    assert await world.reader.stores.words.page(["*0", "@1"], Span(), MANY) == []


HISTORIES: list[tuple[list[PostFact], set[str], set[str]]] = [
    ([created("direct"), edit(1, visibility="public")], {"regret", "#regret"}, set()),
    (
        [created("direct"), edit(1, text="rue"), edit(2, visibility="public", tags=("hope",))],
        {"rue", "#hope"},
        set(),
    ),
    ([created("public"), edit(1, visibility="direct")], set(), {"regret", "#regret"}),
    (
        [created(None), edit(1, text="rue"), edit(2, visibility="followers")],
        set(),
        {"regret", "#regret", "rue"},
    ),
    (
        [created("public"), edit(1, visibility="unlisted"), edit(2, visibility=None)],
        {"regret", "#regret"},
        set(),
    ),
    (
        [created("public"), edit(1, visibility="direct", text="rue"), edit(2, visibility="public")],
        {"rue", "#regret"},
        set(),
    ),
]
"""Messages, by which words they are found in the end, and by which never."""


@pytest.mark.parametrize(("facts", "owed", "hidden"), HISTORIES)
async def test_an_edit_of_visibility_indexes_and_withdraws(
    facts: list[PostFact], owed: set[str], hidden: set[str]
) -> None:
    """In any order, each role in its own, and again when any part is replayed."""
    for at_ingest in permutations(facts):
        for at_search in permutations(facts):
            world = World()
            for role, order in (("search", at_search), ("ingest", at_ingest)):
                for fact in order:
                    await world.handle([fact], role)
            found = await found_by(world)
            assert owed <= found
            assert not hidden & found
            for fact in order:
                await world.handle([fact])
                found = await found_by(world)
                assert owed <= found
                assert not hidden & found


@pytest.mark.parametrize("ahead", ["search", "ingest"])
async def test_words_that_were_never_public_are_not_indexed(ahead: str) -> None:
    """Widening indexes the text that the post has then, also when its creation is replayed."""
    world = World()
    facts, owed, _ = HISTORIES[1]
    for role in (ahead, None):
        for fact in facts:
            await world.handle([fact], role)
    await world.handle(facts[:1])
    assert await found_by(world) == owed


async def test_others_who_claim_an_id_are_judged_by_their_own_words() -> None:
    """Bob's public claim of Alice's direct post neither indexes nor hides her words."""
    world = World()
    bobs = PostCreated(version=TIME + 1, post_id=POST, author_id=2, text="hope")
    await world.handle([created("direct"), bobs])
    assert await found_by(world) == {"hope"}


async def test_a_reindex_withdraws_what_was_indexed_before() -> None:
    """An earlier release indexed posts whatever their visibility."""
    world = World()
    stores = world.reader.stores
    hidden, shown, gone = (post_id(NOW, place) for place in (1, 2, 3))
    await stores.posts.record(
        [
            post_mutation(created("direct")),
            post_mutation(PostCreated(version=TIME, post_id=shown, author_id=1, text="hope")),
            post_mutation(PostCreated(version=TIME, post_id=gone, author_id=1, text="rue")),
            post_mutation(PostDeleted(version=TIME, post_id=gone, author_id=1)),
        ]
    )
    deleted = PostClaim(PostId(gone), UserId(1))
    await stores.words.add([PostTerms(deleted, frozenset({"rue"}), TIME * 4)])
    old = PostClaim(PostId(hidden), UserId(1))
    await stores.words.add([PostTerms(old, frozenset({"regret", "*0"}), ADDED)])
    await stores.tags.add([PostTerms(old, frozenset({"#regret"}), ADDED)])
    assert await reindex(stores, Pace(None), lambda _: None) == 3
    assert await found_by(world) == set()
    assert await stores.words.page(["hope", "@1"], Span(), MANY) == [shown]
    assert await reindex(stores, Pace(None), lambda _: None) == 3
    assert await stores.words.page(["hope", "@1", "*0", "regret", "rue"], Span(), MANY) == [shown]
