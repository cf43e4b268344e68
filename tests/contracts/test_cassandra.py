"""What only the Cassandra adapters promise: where rows go, how long they live, what reads cost."""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from schemas.events import (
    FollowCreated,
    FollowDeleted,
    PostCreated,
    PostDeleted,
    PostEdited,
    PostFact,
    Visibility,
)
from schemas.ids import DAY_MS, SLOTS, IdArray, ListId, PostId, UserId, Version, slot
from schemas.relations import BlockCreated, TagFollowCreated
from services.buckets import BUCKET_MS, Buckets
from services.graph import cassandra as follower_lists
from services.graph.cassandra import SAMPLE, CassandraGraph, estimate
from services.graph.edge import EdgeMutation, edge_mutation
from services.graph.levels import MAX_LEVEL
from services.graph.store import SlotRange
from services.handlers.claim_index import update_indexes
from services.handlers.erased import ErasedAccounts
from services.handlers.handler import Accepted
from services.handlers.public_index import PublicIndex
from services.metrics.metrics import Metrics
from services.posts.cassandra import CassandraPosts
from services.posts.post import IMMUTABLE, post_mutation
from services.relations.cassandra import CassandraRelations
from services.relations.mutation import relation_mutation as relation
from services.retention import Retention
from services.search.cassandra import CassandraTerms
from services.search.store import PostClaim, PostTerms, term_version
from services.search.terms import words_of
from services.search.words.cassandra import POST_SHARDS, CassandraWords
from services.settings.settings import Settings
from services.span import Span
from services.storage.session import Store, connect
from services.storage.statements import INVERTED, Statement, insert, select
from services.timelines.cassandra import CassandraHomeGeneration
from services.timelines.store import EntryBlock
from tests.contracts.histories import NOW, NewPost, People

VERSION = NOW * 1_000


def by_terms(claim: PostClaim, terms: frozenset[str]) -> PostTerms:
    return PostTerms(claim, terms, term_version(Version(VERSION), "public"))


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
async def store(usual_keyspace: Settings, registry: CollectorRegistry) -> AsyncIterator[Store]:
    store = await connect(usual_keyspace, Metrics(registry))
    yield store
    await store.close()


@pytest.fixture
def requests(registry: CollectorRegistry) -> Callable[[], int]:
    """How many requests the store has answered."""

    def count() -> int:
        samples = (sample for metric in registry.collect() for sample in metric.samples)
        name = "timeline_store_request_seconds_count"
        return round(sum(sample.value for sample in samples if sample.name == name))

    return count


def home_generation(
    store: Store, *, days: float = 30, now: int = NOW, shards: int = 256
) -> CassandraHomeGeneration:
    return CassandraHomeGeneration(store, Retention(days), lambda: now, shards)


def ids(*numbers: int) -> IdArray:
    return np.array(numbers, np.int64)


async def test_a_home_page_costs_two_requests_in_most_cases_and_three_at_most(
    store: Store, people: People, new_post: NewPost, requests: Callable[[], int]
) -> None:
    """One more where the list of buckets is another than it was when it was last read."""
    homes = home_generation(store, days=0)
    posts = [new_post(days_old=old) for old in (3_000, 1_000, 200, 2, 1)]
    await homes.add_home_entries([EntryBlock(ids(people.alice), ids(*posts))])
    before = requests()
    assert await homes.home_page(people.alice, Span(), 2) == posts[:2:-1]
    assert requests() - before == 2
    assert await homes.home_page(people.alice, Span(), 50) == posts[::-1]
    assert requests() - before <= 2 + 3


async def test_a_page_that_was_full_is_looked_for_only_where_it_was(
    store: Store, people: People, new_post: NewPost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that lost entries since, as with their bucket, is filled from further on."""
    homes = home_generation(store)
    posts = [new_post(days_old=old) for old in (25, 15, 9, 2, 1)]
    await homes.add_home_entries([EntryBlock(ids(people.alice), ids(*posts))])
    for _ in range(2):
        assert await homes.home_page(people.alice, Span(), 2) == posts[:2:-1]
    asked = []
    read_arrays = store.read_arrays

    async def noted(statement: Statement, *values: Any) -> Any:
        asked.append(values[0])
        return await read_arrays(statement, *values)

    monkeypatch.setattr(store, "read_arrays", noted)
    buckets = {post: Buckets(Retention(30), lambda: NOW).of(post) for post in posts}
    assert await homes.home_page(people.alice, Span(), 2) == posts[:2:-1]
    assert [min(each) for each in asked] == [buckets[posts[3]]]
    asked.clear()
    assert await homes.home_page(people.alice, Span(above=posts[3]), 2) == posts[4:]
    assert await homes.home_page(people.alice, Span(), 4) == posts[:0:-1]
    assert set(asked[-1]) >= set(buckets.values())
    homes._page_depths.learn(people.alice, Span(), 4, [posts[4]] * 4)
    assert await homes.home_page(people.alice, Span(), 4) == posts[:0:-1]


async def test_a_bucket_may_be_written_with_several_numbers_of_shards(
    store: Store, people: People, new_post: NewPost
) -> None:
    """A cluster that grows, while workers with the old number still run."""
    few, many = home_generation(store, shards=4), home_generation(store, shards=4_096)
    posts = [new_post(), new_post(), new_post()]
    await few.add_home_entries([EntryBlock(ids(people.alice), ids(posts[0], posts[1]))])
    await many.add_home_entries([EntryBlock(ids(people.alice), ids(posts[1], posts[2]))])
    for reader in (few, many):
        assert await reader.home_page(people.alice, Span(), 2) == [posts[2], posts[1]]
        assert await reader.home_page(people.alice, Span(newest_first=False), 9) == posts
        for post in posts:
            assert await reader.in_home(people.alice, post)


async def test_a_reader_finds_what_came_into_a_bucket_that_was_not_there_when_he_last_looked(
    store: Store, people: People, new_post: NewPost
) -> None:
    """Whether the bucket is new, or was written with another number of shards meanwhile."""
    reader, writer = home_generation(store), home_generation(store, shards=4_096)
    older, old, new = new_post(days_old=20), new_post(days_old=10), new_post()
    await home_generation(store).add_home_entries([EntryBlock(ids(people.alice), ids(old))])
    assert await reader.home_page(people.alice, Span(), 9) == [old]
    await writer.add_home_entries([EntryBlock(ids(people.alice), ids(new, old + 1))])
    assert await reader.home_page(people.alice, Span(), 9) == [new, old + 1, old]
    await writer.add_home_entries([EntryBlock(ids(people.alice), ids(older))])
    assert await reader.home_page(people.alice, Span(), 9) == [new, old + 1, old, older]
    assert await reader.home_page(people.alice, Span(newest_first=False), 1) == [older]


def life(now: int, *, days: float = 30, bucket: int = 0) -> int:
    """Seconds that an entry in a bucket has left."""
    return int(Buckets(Retention(days), lambda: now).ttls(ids(bucket))[0])


def test_an_entry_lives_a_bucket_longer_than_its_post_is_shown() -> None:
    """By the post's time alone: whenever it is written, it leaves at the same moment."""
    end = 2 * BUCKET_MS + 30 * DAY_MS
    assert [life(end - left) for left in (DAY_MS, 2_000, 1_001, 1_000)] == [86_400, 2, 2, 1]


def test_an_entry_that_has_no_time_left_is_not_written() -> None:
    end = 2 * BUCKET_MS + 30 * DAY_MS
    assert [life(end - 1), life(end), life(end + DAY_MS)] == [1, -1, -1]


def test_an_entry_lives_for_ever_where_posts_do() -> None:
    """And where Cassandra knows no number that is large enough."""
    assert life(NOW, days=0) == 0
    assert life(0, days=8_000) == 0


async def test_entries_leave_when_their_time_is_up(
    store: Store, people: People, new_post: NewPost
) -> None:
    old, young = new_post(days_old=10), new_post()
    end = (Buckets(Retention(), lambda: NOW).of(old) + 2) * BUCKET_MS + 30 * DAY_MS
    homes = home_generation(store, now=end - 2_000)
    both = [EntryBlock(ids(people.alice), ids(old, young))]
    await homes.add_home_entries(both)
    deadline = time.monotonic() + 30
    while await homes.in_home(people.alice, old):
        assert time.monotonic() < deadline
    await home_generation(store, now=end).add_home_entries(both)
    assert await homes.home_page(people.alice, Span(), 9) == [young]


async def test_a_deletion_leaves_no_words_in_the_store(
    store: Store, people: People, new_post: NewPost
) -> None:
    """Not even of a creation that comes after it."""
    post, posts = new_post(), CassandraPosts(store)
    say = {"post_id": post, "author_id": people.alice}
    words = PostCreated(**say, version=VERSION, text="regret", links=("https://example.org/",))
    await posts.record([post_mutation(PostDeleted(**say, version=0)), post_mutation(words)])
    kept = select("posts", "test", "text, links, created_text, created_links", "WHERE post_id = ?")
    assert await store.read(kept, post) == [(b'""', b"[]") * 2]


async def test_a_thousand_posts_are_one_request(
    store: Store, people: People, new_post: NewPost, requests: Callable[[], int]
) -> None:
    before = requests()
    await CassandraPosts(store).load([new_post() for _ in range(1_000)])
    assert requests() - before == 1


def follows(follower: UserId, followee: UserId, version: int = VERSION) -> EdgeMutation:
    return edge_mutation(FollowCreated(follower_id=follower, followee_id=followee, version=version))


def unfollows(follower: UserId, followee: UserId, version: int = VERSION + 1) -> EdgeMutation:
    return edge_mutation(FollowDeleted(follower_id=follower, followee_id=followee, version=version))


async def test_what_a_page_asks_of_relations_is_one_request_each(
    store: Store, people: People, requests: Callable[[], int]
) -> None:
    """Whoever the viewer follows, and whoever blocks him; pairs and accounts likewise."""
    relations = CassandraRelations(store)
    crowd = [UserId(people.carol + number) for number in range(5_000)]
    me = {"version": VERSION, "owner_id": people.alice}
    facts = [
        *(FollowCreated(version=VERSION, follower_id=people.alice, followee_id=a) for a in crowd),
        *(BlockCreated(version=VERSION, owner_id=a, target_id=people.alice) for a in crowd[::2]),
        TagFollowCreated(**me, tag="bread"),
    ]
    await relations.record([relation(fact) for fact in facts])
    page = crowd[:100]
    before = requests()
    found = await relations.about(people.alice, page)
    assert requests() - before == 1
    assert set(found.edges) == set(page[1::2])
    assert {each for each in page if found.to(each).blocked_by} == set(page[::2])
    pairs = [(each, people.alice) for each in crowd[:400]]
    for ask, cost in (
        (relations.suspended(page), 1),
        (relations.marks(people.alice, []), 1),
        (relations.memberships([people.alice], page), 1),
        (relations.blocked_pairs(pairs), 1),
        (relations.followed_pairs(pairs), 2),
        (relations.followed_pairs([(b, a) for a, b in pairs]), 2),
        (relations.members(ListId(people.alice), after=UserId(0), limit=9), 1),
    ):
        before = requests()
        await ask
        assert requests() - before == cost


async def test_a_row_of_before_quotes_is_read(
    store: Store, people: People, new_post: NewPost
) -> None:
    """It quotes nothing, also where a later creation of the id says otherwise."""
    posts, post = CassandraPosts(store), new_post()
    whose = {"post_id": post, "author_id": people.alice}
    first = post_mutation(PostCreated(**whose, version=VERSION, text="a"))
    before = {field: value for field, value in first.created.items() if field != "quote_of"}
    columns = {
        field if field in IMMUTABLE else f"created_{field}": before[field] for field in before
    }
    inverted = INVERTED - VERSION
    await store.write([insert("posts", *whose, *columns).row(**whose, **columns, version=inverted)])
    await posts.record([first._replace(created={})])
    assert (await posts.load([post]))[post].quote_of is None
    later = PostCreated(**whose, version=VERSION + 1, quote_of=new_post())
    await posts.record([post_mutation(later)])
    assert (await posts.load([post]))[post].quote_of is None


async def level(store: Store, author: UserId) -> int:
    query = select("follower_levels", "test", "level", "WHERE followee_id = ?")
    return max((row[0] for row in await store.read(query, author)), default=0)


async def test_a_follower_list_that_grows_spreads_over_more_partitions(
    store: Store, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And is read whole, in any ranges; those who left at a later level are gone.

    So are those of whom a later level holds only what is older.
    """
    monkeypatch.setattr(follower_lists, "CHECK_EVERY", 1)
    graph = CassandraGraph(store, lambda: NOW, part_rows=SAMPLE)
    crowd = [UserId(people.carol + 100 * number) for number in range(4_000)]
    late = [UserId(people.carol + 100 * number + 50) for number in range(20)]
    await graph.record([unfollows(each, people.alice, VERSION + 5) for each in late])
    for start in range(0, len(crowd), 500):
        await graph.record([follows(each, people.alice) for each in crowd[start : start + 500]])
    assert await level(store, people.alice) == 2
    await graph.record([unfollows(each, people.alice) for each in crowd[:100]])
    await graph.record([follows(each, people.alice, VERSION + 2) for each in crowd[:10]])
    await graph.record([follows(each, people.alice) for each in (*crowd[50:60], *late)])
    cuts = [0, SLOTS // 100, SLOTS // 3, SLOTS]
    ranges = [SlotRange(people.alice, low, high) for low, high in pairwise(cuts)]
    found = await graph.followers(ranges)
    left = [*crowd[:10], *crowd[100:]]
    assert [sorted(each.tolist()) for each in found] == [
        sorted(each for each in left if low <= slot(each) < high) for low, high in pairwise(cuts)
    ]
    # Some eight rows of the last level's first part stand for 256 parts: a rough estimate.
    assert 1_000 < (await graph.follower_counts([people.alice]))[people.alice] < 12_000


async def test_a_level_is_never_lowered(store: Store, people: People) -> None:
    graph = CassandraGraph(store, lambda: NOW, part_rows=0)
    for at in (1, 0, MAX_LEVEL):
        await graph._raise_if_full(people.alice, at, 0)
    assert await level(store, people.alice) == 2


@pytest.mark.parametrize("count", [200, 5_000, 100_000])
def test_an_estimate_is_within_a_fifth_or_so(count: int) -> None:
    """In all but one of fifty tries."""
    rng = np.random.default_rng(count)
    far = 0
    for _ in range(200):
        places = np.sort(rng.integers(0, SLOTS, count))[:SAMPLE]
        far += not 0.8 <= estimate(places.tolist(), SLOTS) / count <= 1.25
    assert far <= 4


def test_few_are_counted_exactly() -> None:
    assert estimate([], SLOTS) == 0
    assert estimate(range(SAMPLE - 1), SLOTS) == SAMPLE - 1


async def test_no_word_of_a_deleted_post_stays_in_any_table(
    store: Store, people: People, new_post: NewPost
) -> None:
    """What says where to look holds none in the first place."""
    terms, post = CassandraTerms(store), new_post()
    secret, claim = f"secret{people.alice}", PostClaim(new_post(), people.alice)
    await terms.add(
        [
            by_terms(claim, frozenset({secret})),
            by_terms(PostClaim(post, people.bob), frozenset({secret})),
        ]
    )
    await terms.forget([claim])
    held = select("post_terms", "test", "term", "WHERE post_id = ?")
    assert await store.read(held, claim.post_id) == [("",)]
    found = select("terms", "test", "post_id", "WHERE term = ? ALLOW FILTERING")
    assert await store.read(found, secret) == [(post,)]
    keys = select("term_buckets", "test", "*", "LIMIT 1")
    assert [type(each) for each in (await store.read(keys))[0]] == [int, int]


async def test_a_page_of_a_term_costs_two_requests_in_most_cases_and_three_at_most(
    store: Store, people: People, new_post: NewPost, requests: Callable[[], int]
) -> None:
    """However far its posts lie apart."""
    terms, bread = CassandraTerms(store), f"bread{people.alice}"
    posts = [new_post(days_old=old) for old in (3_000, 1_000, 200, 2, 1)]
    await terms.add([by_terms(PostClaim(each, people.alice), frozenset({bread})) for each in posts])
    before = requests()
    assert await terms.page([bread], Span(), 2) == posts[:2:-1]
    assert requests() - before == 2
    assert await terms.page([bread], Span(), 50) == posts[::-1]
    assert requests() - before == 2 + 3


async def test_nothing_of_the_words_of_a_deleted_post_stays_in_any_table(
    store: Store, people: People, new_post: NewPost
) -> None:
    """Nor of what an edit had taken out, nor of what is told after the deletion."""
    words, stays = CassandraWords(store), PostClaim(new_post(days_old=7_000), people.bob)
    claim = PostClaim(new_post(days_old=7_000), people.alice)
    for said in (("secret", "other"), ("secret",), ("edited",)):
        await words.add([by_terms(claim, frozenset(said))])
    await words.add([by_terms(stays, frozenset({"secret"}))])
    await words.forget([claim])
    await words.add([by_terms(claim, frozenset({"late"}))])
    for table in ("word_entries", "post_words"):
        held = select(table, "test", "post_id", "WHERE author_id = ? ALLOW FILTERING")
        assert await store.read(held, people.alice) == []
        assert await store.read(held, people.bob) == [(stays.post_id,)]


async def test_no_word_can_be_read_from_the_tables_of_words(store: Store) -> None:
    """They hold numbers, which are hashes where they say anything of words."""
    for table in ("word_entries", "word_buckets", "post_words", "forgotten_words"):
        rest = "WHERE keyspace_name = ? AND table_name = ?"
        columns = f"SELECT type FROM system_schema.columns {rest}"
        held = await store.read(Statement("columns", "test", columns), "contract_tests", table)
        assert {kind for (kind,) in held} <= {"int", "bigint", "blob"}, table


async def test_words_of_many_posts_take_few_requests(
    store: Store, people: People, new_post: NewPost, requests: Callable[[], int]
) -> None:
    """512 posts of forty words: 21,000 entries, in the 128 KiB that a request holds."""
    words = CassandraWords(store)
    said = [
        by_terms(PostClaim(new_post(), people.alice), frozenset(f"{n}w{k}" for k in range(40)))
        for n in range(512)
    ]
    await words.add(said[:1])  # its bucket is declared
    before = requests()
    await words.add(said)
    assert requests() - before <= 32


async def test_a_page_of_a_word_costs_two_requests_in_most_cases_and_three_at_most(
    store: Store, people: People, new_post: NewPost, requests: Callable[[], int]
) -> None:
    """However far its posts lie apart; and many words together hardly more."""
    words, bread = CassandraWords(store), f"bread{people.alice}"
    posts = [new_post(days_old=old) for old in (3_000, 1_000, 200, 2, 1)]
    await words.add([by_terms(PostClaim(each, people.alice), frozenset({bread})) for each in posts])
    before = requests()
    assert await words.page([bread], Span(), 2) == posts[:2:-1]
    assert requests() - before == 2
    assert await words.page([bread], Span(), 50) == posts[::-1]
    assert requests() - before <= 2 + 3


async def test_each_of_many_words_has_a_page_of_its_own(
    store: Store, people: People, new_post: NewPost
) -> None:
    """Those of one shard too: the newest post of a word is not crowded out by another's."""
    words = CassandraWords(store)
    terms = [f"{n}word{people.alice}" for n in range(300)]
    crowd, newest = [new_post() for _ in range(9)], new_post()
    await words.add(
        [by_terms(PostClaim(each, people.alice), frozenset(terms[1:])) for each in crowd]
    )
    await words.add([by_terms(PostClaim(newest, people.alice), frozenset(terms[:1]))])
    assert await words.page(terms, Span(), 2) == [newest, crowd[-1]]
    first = new_post(days_old=2)
    await words.add([by_terms(PostClaim(first, people.alice), frozenset(terms[:1]))])
    assert await words.page(terms, Span(newest_first=False), 2) == [first, crowd[0]]


async def test_an_index_of_public_posts_costs_a_read_of_the_batch(
    store: Store, people: People, new_post: NewPost, requests: Callable[[], int]
) -> None:
    """And a hidden word costs a reader what an absent one does, also after edits of visibility."""
    posts, words = CassandraPosts(store), CassandraWords(store)
    index = PublicIndex(words, words_of)
    secret = f"secret{people.alice}"

    def said(visibility: Visibility | None) -> list[PostCreated]:
        return [
            PostCreated(
                post_id=new_post(),
                author_id=people.alice,
                version=VERSION,
                text=secret,
                visibility=visibility,
            )
            for _ in range(512)
        ]

    async def cost_of_indexing(facts: Sequence[PostFact]) -> int:
        await posts.record([post_mutation(fact) for fact in facts])
        before = requests()
        await update_indexes(posts, facts, index)
        return requests() - before

    async def cost_of(word: str) -> tuple[list[PostId], int]:
        before = requests()
        return await words.page([word], Span(), 10), requests() - before

    hidden, public = said("direct"), said(None)
    await cost_of_indexing(public[:1])  # its bucket is declared
    assert await cost_of_indexing(public[1:]) <= 32
    narrowed = [
        PostEdited(
            post_id=each.post_id,
            author_id=people.alice,
            version=VERSION + 1,
            visibility="followers",
        )
        for each in public
    ]
    await cost_of_indexing(narrowed)
    assert await cost_of_indexing(hidden) <= 2 * POST_SHARDS + 1
    assert await cost_of(secret) == await cost_of(f"absent{people.alice}")
    assert (await cost_of(secret))[0] == []
    widened = PostEdited(
        post_id=public[0].post_id, author_id=people.alice, version=VERSION + 2, visibility=None
    )
    await cost_of_indexing([widened])
    assert (await cost_of(secret))[0] == [public[0].post_id]
    await update_indexes(posts, narrowed, index)
    assert (await cost_of(secret))[0] == [public[0].post_id]


async def test_to_obey_erasures_costs_a_request_a_batch(
    store: Store, new_post: NewPost, requests: Callable[[], int]
) -> None:
    """Two where authors come for the first time: before the batch is written, and after."""
    posts = [
        PostCreated(post_id=new_post(), author_id=UserId(2**50 + number), version=VERSION)
        for number in range(512)
    ]

    class Written:
        async def __call__(self, batch: Sequence[Accepted[PostFact]]) -> None:
            assert len(batch) == 512

        async def erase(self, batch: Sequence[Accepted[PostFact]]) -> None:
            raise AssertionError(batch)

    handle = ErasedAccounts(CassandraRelations(store)).wrap(Written())
    cost = []
    for _ in range(3):
        before = requests()
        await handle([Accepted(post, NOW) for post in posts])
        cost.append(requests() - before)
    assert cost == [2, 1, 1]
