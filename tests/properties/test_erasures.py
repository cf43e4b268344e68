"""Erased accounts: whatever the order, the pages, the crashes and the replays, nothing is left."""

from random import Random

from hypothesis import strategies as st

from schemas.events import PostFact
from schemas.ids import UserId
from schemas.relations import AccountErased
from services.search.terms import word_term, words
from services.span import Span
from services.stores import Stores
from services.verification.erasure import remains_of
from streams.bootstrap import memory_stores
from tests.histories import NOW, PEOPLE, Fact, chances
from tests.properties.concurrent_writer import ConcurrentWriter
from tests.properties.conftest import Prove
from tests.properties.world import World, assert_same, says
from tests.relation_histories import whole_histories

some_people = st.sets(st.sampled_from(PEOPLE), min_size=1, max_size=2)


def erasures(people: set[int]) -> list[Fact]:
    return [AccountErased(version=NOW * 1_000, owner_id=each) for each in people]


async def left_of(people: set[int], history: list[Fact], stores: Stores) -> list[object]:
    """What is stored of them, and which of their posts any of their words or tags finds."""
    found: list[object] = [await remains_of(UserId(each), stores) for each in people]
    theirs = [f for f in history if isinstance(f, PostFact) and f.author_id in people]
    others = {f.post_id for f in history if isinstance(f, PostFact) and f.author_id not in people}
    said = {word for f in theirs for word in words(getattr(f, "text", "") or "")}
    for word in said:
        found += set(await stores.words.page([word_term(word)], Span(), 100)) - others
    return [each for each in found if each]


def test_of_an_erased_account_nothing_is_left(prove: Prove) -> None:
    """Its facts come before, after and between the pages of its erasure; others are as ever."""

    async def holds(history: list[Fact], people: set[int], chance: Random) -> None:
        stores = memory_stores()
        world = await World(stores=stores).deliver([*history, *erasures(people)], chance)
        assert_same(await world.shows(), says([*history, *erasures(people)]))
        assert await left_of(people, history, stores) == []

    prove(holds, 60, whole_histories(), some_people, chances)


def test_a_replay_brings_nothing_back(prove: Prove) -> None:
    """All facts come again, with the erasure or without it, when it is long done."""

    async def holds(history: list[Fact], people: set[int], chance: Random) -> None:
        stores = memory_stores()
        world = await World(stores=stores).deliver([*history, *erasures(people)], chance)
        before = await world.shows()
        replayed = World(stores=stores)
        await replayed.deliver(history, chance)
        assert await left_of(people, history, stores) == []
        assert_same(await replayed.shows(), before)

    prove(holds, 40, whole_histories(), some_people, chances)


def test_writers_and_the_erasure_never_miss_each_other(prove: Prove) -> None:
    """Several workers at once, each of whose steps may be late or fail, beside the erasure."""

    async def holds(history: list[Fact], people: set[int], chance: Random) -> None:
        stores = memory_stores()
        world = World(
            stores=stores, between=lambda port: ConcurrentWriter(port, chance, failing=0.05)
        )
        await world.deliver_by(3, [*history, *erasures(people)], chance)
        assert_same(await world.shows(), says([*history, *erasures(people)]))
        assert await left_of(people, history, stores) == []

    prove(holds, 60, whole_histories(), some_people, chances)
