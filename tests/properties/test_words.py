"""By a word are found exactly the posts that it was said of, but for what was deleted."""

from random import Random
from typing import Any

from hypothesis import strategies as st

from schemas.events import Deletion, PostCreated, PostDeleted, PostEdited, PostFact
from schemas.ids import PostId, post_id
from services.search.store import claim_of
from services.search.terms import tags_of, words_of
from services.span import Span
from tests.histories import NOW, Fact, chances
from tests.properties.concurrent_writer import ConcurrentWriter
from tests.properties.conftest import Prove
from tests.properties.world import World
from tests.relation_histories import whole_histories

MANY = 1_000


async def assert_found(world: World, facts: list[Fact]) -> None:
    """Each word and tag, by what was said of each claim of a post."""
    posts = [fact for fact in facts if isinstance(fact, PostFact)]
    deleted = {claim_of(fact) for fact in posts if isinstance(fact, Deletion)}
    stores = world.reader.stores
    for store, of in ((stores.words, words_of), (stores.tags, tags_of)):
        said: dict[str, set[PostId]] = {}
        for fact in posts:
            for term in of(fact):
                found = said.setdefault(term, set())
                if claim_of(fact) not in deleted:
                    found.add(claim_of(fact).post_id)
        for term, expected in said.items():
            assert set(await store.page([term], Span(), MANY)) == expected, term


def test_words_find_what_they_were_said_of(prove: Prove) -> None:
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
    time = NOW * 1_000
    said: dict[str, Any] = {"post_id": post_id(NOW, 1), "author_id": 1}
    created = PostCreated(version=time, text="regret", tags=("woe",), **said)
    edited = PostEdited(version=time + 1, text="rue", **said)
    await world.handle([created])
    await world.handle([PostDeleted(version=time, **said)], "ingest")
    await assert_found(world, [created, PostDeleted(version=time, **said)])
    await world.handle([edited, created], "search")
    await assert_found(world, [created, edited, PostDeleted(version=time, **said)])
