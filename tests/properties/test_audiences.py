"""Posts are filed for exactly those who may read them, in whatever order their messages come."""

from random import Random
from typing import Any

import pytest
from hypothesis import strategies as st

from schemas.events import PostCreated, PostFact, ReplyCreated
from schemas.ids import post_id
from services.audiences.memory import MemoryAudiences
from services.audiences.store import (
    EVERYBODY,
    FOLLOWERS,
    SIGNED_IN,
    ListingKind,
    followers_of,
)
from services.errors import StoreUnavailable
from services.handlers.audience_index import AudienceIndex, load_roots
from services.span import Span
from streams.bootstrap import memory_stores
from streams.cli.reindex import reindex
from streams.pace import Pace
from tests.histories import NOW, Fact, chances
from tests.properties.concurrent_writer import ConcurrentWriter
from tests.properties.conftest import Prove
from tests.properties.test_words import merged_claims
from tests.properties.world import World
from tests.relation_histories import whole_histories

MANY = 1_000


async def assert_filed(world: World, facts: list[Fact]) -> None:
    """Each claim is where its audience looks; what is for fewer is in no wider listing."""
    stores = world.reader.stores
    posts = [fact for fact in facts if isinstance(fact, PostFact)]
    claims = await merged_claims(posts)
    roots = await load_roots(stores.posts, {claimed.post.post_id for claimed in claims})
    index = AudienceIndex(stores.audiences, roots)

    async def entries(kind: ListingKind, listing: int, audience: int) -> set[tuple[int, int]]:
        found = await stores.audiences.pages(kind, [listing], [audience], Span(), MANY)
        return {(entry.post_id, entry.author_id) for entry in found.get(listing, [])}

    for claimed in claims:
        statement = index.owed(claimed)
        for (kind, listing), audience, *entry in statement.owed_keys():
            assert tuple(entry) in await entries(kind, listing, audience), (kind, audience)
        post = claimed.post
        visible = "deleted" if post.deleted else post.visibility
        wider = {
            "public": (),
            "unlisted": (EVERYBODY,),
            "followers": (EVERYBODY, SIGNED_IN),
            "direct": (EVERYBODY, SIGNED_IN, FOLLOWERS),
            "deleted": (EVERYBODY, SIGNED_IN, FOLLOWERS),
        }[visible]
        for kind, listing in statement.listings:
            for audience in wider:
                if audience == FOLLOWERS and kind != "author":
                    audience = followers_of(post.author_id)  # noqa: PLW2901
                assert (post.post_id, post.author_id) not in await entries(kind, listing, audience)


def test_posts_are_filed_for_those_who_may_read_them(prove: Prove) -> None:
    """In any order of the messages."""

    async def holds(facts: list[Fact], chance: Random) -> None:
        await assert_filed(await World().deliver(facts, chance), facts)

    prove(holds, 30, whole_histories(), chances)


async def test_a_reply_is_filed_when_its_parent_comes_with_anothers_claim_of_its_id() -> None:
    """Two authors wrote the same id; the batch that brings the root holds the other's post."""
    at = NOW - 1_000
    root, reply = post_id(at, 1), post_id(at, 2)
    said = {"version": at * 1_000}
    facts: list[Fact] = [
        ReplyCreated(post_id=reply, author_id=1, parent_id=root, **said),
        PostCreated(post_id=root, author_id=1, **said),
        PostCreated(post_id=reply, author_id=2, **said),
    ]
    world = World()
    await world.handle(facts[:1], "ingest")
    await world.handle(facts[1:], "ingest")
    await assert_filed(world, facts)


async def test_a_worker_that_fails_beside_a_late_root_files_what_is_deep_below() -> None:
    """No hint vouches for a reply that is not filed yet, so that the next attempt finds it."""
    at = NOW - 1_000
    root, above, below = (post_id(at, each) for each in (1, 2, 3))
    said = {"version": at * 1_000, "author_id": 1}
    facts: list[Fact] = [
        ReplyCreated(post_id=below, parent_id=above, **said),
        ReplyCreated(post_id=above, parent_id=root, **said),
        PostCreated(post_id=root, **said),
    ]
    away = False

    class Away(MemoryAudiences):
        async def change(self, *changes: Any) -> None:
            if away:
                raise StoreUnavailable("away")
            await super().change(*changes)

    world = World(stores=memory_stores()._replace(audiences=Away()))
    await world.handle(facts[:2], "ingest")
    away = True
    with pytest.raises(StoreUnavailable):
        await world.handle(facts[2:], "ingest")
    away = False
    await world.handle(facts[2:], "ingest")
    await assert_filed(world, facts)


def test_workers_that_fail_midway_file_the_same(prove: Prove) -> None:
    """Also where several handle the same messages at once, and some twice."""

    async def holds(facts: list[Fact], chance: Random, failing: float) -> None:
        world = World(between=lambda port: ConcurrentWriter(port, chance, failing))
        await assert_filed(await world.deliver_by(3, facts, chance), facts)

    prove(holds, 15, whole_histories(), chances, st.sampled_from((0, 0.02, 0.1)))


def test_reindexing_files_what_an_earlier_release_did_not(prove: Prove) -> None:
    """From the posts alone; it may be done at any time."""

    async def holds(facts: list[Fact], chance: Random) -> None:
        world = await World().deliver(facts, chance)
        stores = world.reader.stores
        emptied = World(stores=stores._replace(audiences=MemoryAudiences()))
        await reindex(emptied.reader.stores, Pace(None), lambda _: None)
        await assert_filed(emptied, facts)

    prove(holds, 15, whole_histories(), chances)
