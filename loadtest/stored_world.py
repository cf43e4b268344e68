"""Fills the store with posts through the product's adapters, to measure reading on them.

A composition root: through Kafka a million posts would take half an hour.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry

from schemas.events import Creation, FollowCreated, PostCreated, PostFact, ReplyCreated
from schemas.ids import DAY_MS, PostId, UserId, post_id
from services.activity.cassandra import CassandraActivity
from services.audiences.cassandra import CassandraAudiences
from services.clock import Clock
from services.conversations.cassandra import CassandraConversations
from services.erasures.cassandra import CassandraErasures
from services.generations.cassandra import CassandraGenerations
from services.generations.view import FollowedGenerations
from services.graph.cassandra import CassandraGraph
from services.handlers.audience_index import AudienceIndex
from services.handlers.public_index import created_public
from services.inboxes.cassandra import CassandraInboxes
from services.mentions.cassandra import CassandraMentions
from services.metrics.metrics import Metrics
from services.posts.cassandra import CassandraPosts
from services.posts.post import post_mutation
from services.posts.store import MAX_ANCESTOR_HINT
from services.pulled.cassandra import CassandraPulled
from services.quotes.cassandra import CassandraQuotes
from services.relations.cassandra import CassandraRelations
from services.relations.mutation import relation_mutation as relation
from services.reposts.cassandra import CassandraReposts
from services.retention import Retention
from services.search.cassandra import CassandraTerms
from services.search.store import PostTerms, claim_of
from services.search.terms import tags_of, words_of
from services.search.words.cassandra import CassandraWords
from services.settings.settings import Settings
from services.storage.migrations import available_migrations, migrate
from services.storage.session import Store, connect
from services.stores import Stores
from services.timelines.cassandra import CassandraAuthorTimelines, CassandraHomeGeneration
from services.timelines.generational import GenerationalHomeTimelines
from services.timelines.store import AuthorEntry, EntryBlock

AUTHORS = 20_000
VIEWERS = 400
FOLLOWED = 200
"""Followees of each viewer: a hundredth of all posts are in a home, 10,000 of a million."""
REPLIES, REPOSTS, MENTIONS = 0.3, 0.1, 0.1
"""Shares of all posts; they answer and repost one of the thousand posts before them."""
DAYS = 29
AT_ONCE = 2_000
WORDS, TAGS = 200_000, 1_000
"""Different ones, drawn by Zipf's law: the first word is in three texts of four."""
TAGGED = 0.1
"""Share of posts with a tag."""


class StoredWorld(NamedTuple):
    """Authors and posts by number, and the followees of each viewer: int64 arrays."""

    users: NDArray[np.int64]
    authors: NDArray[np.int64]
    posts: NDArray[np.int64]
    follows: NDArray[np.int64]  # (viewer, index) -> author's number

    def viewers(self) -> list[int]:
        """Return the ids of the viewers, which depend only on the seed."""
        viewers: list[int] = self.users[AUTHORS:].tolist()
        return viewers


class StoredPost(NamedTuple):
    """A message, with the ancestors or the original of its post."""

    fact: PostFact
    ancestor_hint: tuple[int, ...] = ()
    original: int | None = None  # of a repost


def make_world(posts: int, seed: int, until_ms: int) -> StoredWorld:
    """Return a world, the same for the same arguments."""
    rng = np.random.default_rng(seed)
    users = rng.choice(2**40, AUTHORS + VIEWERS, replace=False) + 1
    times = until_ms - DAYS * DAY_MS + np.sort(rng.integers(0, DAYS * DAY_MS, posts))
    ids = [post_id(at, number % 2**22) for number, at in enumerate(times.tolist())]
    follows = np.stack([rng.choice(AUTHORS, FOLLOWED, replace=False) for _ in range(VIEWERS)])
    return StoredWorld(users, rng.integers(0, AUTHORS, posts), np.array(ids), follows)


def stored_posts(world: StoredWorld, seed: int, epoch: int) -> Iterator[StoredPost]:
    """Yield the posts of a world, oldest first."""
    rng = np.random.default_rng(seed)
    count = len(world.posts)
    kinds, mentioning = rng.random(count), rng.random(count) < MENTIONS
    mentioned = world.users[rng.integers(0, AUTHORS, count)].tolist()
    lengths = rng.integers(4, 30, count).tolist()
    drawn, tags, tagged = _zipf(rng, WORDS), _zipf(rng, TAGS), rng.random(count) < TAGGED
    befores = np.maximum(np.arange(count) - rng.integers(1, 1_000, count), 0).tolist()
    authors, posts = world.users[world.authors].tolist(), world.posts.tolist()
    lines: dict[int, tuple[int, ...]] = {}
    originals: dict[int, int] = {}
    for number, (author, post, kind) in enumerate(zip(authors, posts, kinds, strict=True)):
        before = posts[befores[number]] if number else None
        fields: dict[str, Any] = {
            "version": ((post >> 22) + epoch) * 1_000,
            "post_id": post,
            "author_id": author,
        }
        if before is not None:  # a repost is shown as its original, which is what gets answered
            before = originals.get(before, before)
        if before is not None and kind < REPOSTS:
            originals[post] = before
            line = (before, *lines[before])[:MAX_ANCESTOR_HINT] if before in lines else ()
            yield StoredPost(PostCreated(**fields, repost_of=before), line, before)
            continue
        fields["text"] = " ".join(stored_word(next(drawn)) for _ in range(lengths[number]))
        fields["mentions"] = (mentioned[number],) if mentioning[number] else ()
        fields["tags"] = (stored_tag(next(tags)),) if tagged[number] else ()
        if before is not None and kind < REPOSTS + REPLIES:
            lines[post] = (before, *lines.get(before, ()))[:MAX_ANCESTOR_HINT]
            yield StoredPost(ReplyCreated(**fields, parent_id=before), lines[post])
        else:
            yield StoredPost(PostCreated(**fields))


def stored_word(rank: int) -> str:
    """Return a word by its rank, from 0 on."""
    return f"word{rank}"


def stored_tag(rank: int) -> str:
    """Return a tag by its rank, from 0 on."""
    return f"tag{rank}"


def _zipf(rng: np.random.Generator, count: int) -> Iterator[int]:
    """Yield ranks below `count` without end, the n-th in proportion to 1/n."""
    weights = np.cumsum(1 / np.arange(1, count + 1))
    while True:
        yield from np.searchsorted(weights, rng.random(AT_ONCE) * weights[-1]).tolist()


async def fill_keyspace(
    settings: Settings, world: StoredWorld, seed: int, clock: Clock, advance: Callable[[int], None]
) -> None:
    """Create the keyspace and write into it what reading needs, as workers do."""
    await migrate(settings, available_migrations())
    store = await connect(settings, Metrics(CollectorRegistry()))
    stores = create_stores(store, settings, clock)
    try:
        followers = await _follow(stores, world)
        written = zip(
            stored_posts(world, seed, settings.epoch), world.authors.tolist(), strict=True
        )
        while batch := list(islice(written, AT_ONCE)):
            await _write(stores, batch, followers)
            advance(len(batch))
    finally:
        await store.close()


def create_stores(store: Store, settings: Settings, clock: Clock) -> Stores:
    """Return the stores that workers and the API use."""
    retention = Retention(settings.retention_days, settings.epoch)
    generations = CassandraGenerations(store, settings, available_migrations())
    return Stores(
        CassandraPosts(store),
        CassandraGraph(store, clock),
        CassandraAuthorTimelines(store),
        GenerationalHomeTimelines(
            FollowedGenerations(generations.load),
            lambda name: CassandraHomeGeneration(store, retention, clock, generation=name),
        ),
        CassandraConversations(store),
        CassandraRelations(store),
        CassandraTerms(store, settings.epoch),
        CassandraReposts(store, retention, clock),
        CassandraWords(store, settings.epoch),
        CassandraPulled(store, retention, clock),
        CassandraActivity(store),
        CassandraQuotes(store),
        CassandraErasures(store),
        CassandraMentions(store, retention, clock),
        CassandraAudiences(store),
        CassandraInboxes(store, retention, clock),
    )


async def _follow(stores: Stores, world: StoredWorld) -> list[list[int]]:
    """Write the follows; return the followers of each author by the author's number."""
    followers: list[list[int]] = [[] for _ in range(AUTHORS)]
    for viewer, followed in zip(world.viewers(), world.follows, strict=True):
        edges = [
            FollowCreated(version=1, follower_id=viewer, followee_id=author)
            for author in world.users[followed].tolist()
        ]
        await stores.relations.record([relation(each) for each in edges])
        for each in followed.tolist():
            followers[each].append(viewer)
    return followers


async def _write(
    stores: Stores, batch: Sequence[tuple[StoredPost, int]], followers: Sequence[Sequence[int]]
) -> None:
    entries = [
        (user, each.fact.post_id, each.original or 0)
        for each, author in batch
        for user in (each.fact.author_id, *followers[author])
    ]
    users, posts, originals = np.array(entries, np.int64).T
    reposts = originals > 0
    lines = {
        (PostId(each.fact.post_id), UserId(each.fact.author_id)): [
            PostId(post) for post in each.ancestor_hint
        ]
        for each, _ in batch
        if each.ancestor_hint
    }
    facts = [each.fact for each, _ in batch]
    audiences = AudienceIndex(stores.audiences)
    created = [each for each in facts if isinstance(each, Creation)]
    public = [post for each in created if (post := created_public(each)) is not None]
    await asyncio.gather(
        stores.posts.record(list(map(post_mutation, facts))),
        stores.posts.hint_ancestors(lines),
        stores.author_timelines.add_author_entries(
            [AuthorEntry(UserId(each.author_id), PostId(each.post_id)) for each in facts]
        ),
        audiences.write([(claim_of(each), audiences.stated(each)) for each in created]),
        stores.tags.add([PostTerms(each.claim, tags_of(each), each.version) for each in public]),
        stores.words.add([PostTerms(each.claim, words_of(each), each.version) for each in public]),
        stores.home_timelines.add_home_entries(
            [
                EntryBlock(
                    np.array([each.fact.author_id, *followers[author]]),
                    np.array([each.fact.post_id]),
                )
                for each, author in batch
            ]
        ),
        stores.reposts.add_home_reposts(users[reposts], originals[reposts], posts[reposts]),
    )
