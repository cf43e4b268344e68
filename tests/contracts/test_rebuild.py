"""On the real store: what is damaged behind its back is found, and mended by a rebuild."""

import asyncio
from collections.abc import AsyncIterator, Callable
from random import Random
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from schemas.codec import KINDS
from schemas.events import FollowCreated, PostCreated, ReplyCreated
from schemas.ids import PostId, slot
from services.handlers.handler import Accepted
from services.handlers.outbox import MemoryRequestOutbox
from services.handlers.rebuild import Rebuild
from services.metrics.metrics import Metrics
from services.readers.home import Home
from services.readers.paging import PageRequest
from services.readers.reader import Reader
from services.settings.settings import Settings
from services.storage.session import connect
from services.storage.statements import INVERTED
from streams.bootstrap import Deps, cassandra_stores, repair_stores
from streams.routes import ROUTES, create_handlers
from streams.verification import VerificationResult, Verifier, scan_users
from tests.contracts.conftest import PATIENCE_SECONDS, session_on
from tests.contracts.histories import NOW, NewPost, People
from tests.shown import shown

pytestmark = pytest.mark.integration

ALL = PageRequest(limit=100)
Damage = Callable[[str], None]


@pytest.fixture
async def deps(usual_keyspace: Settings) -> AsyncIterator[Deps]:
    metrics = Metrics(CollectorRegistry())
    store = await connect(usual_keyspace, metrics)
    try:
        stores = repair_stores(store, usual_keyspace, lambda: NOW)
        yield Deps(usual_keyspace, metrics, stores, clock=lambda: NOW)
    finally:
        await store.close()


@pytest.fixture
def damage(usual_keyspace: Settings) -> Damage:
    """CQL that no writer of ours would send, with the server's own time."""

    def done(cql: str) -> None:
        with session_on(usual_keyspace) as session:
            session.set_keyspace(usual_keyspace.cassandra_keyspace)
            session.execute(cql, timeout=PATIENCE_SECONDS)

    return done


KEYS = {
    "home_timeline": ("bucket", "shard", "user_id", "post_id"),
    "home_reposts": ("bucket", "shard", "user_id", "original_id", "repost_id"),
}


def keys_in(settings: Settings, table: str, user: int) -> list[dict[str, int]]:
    """All keys that a table holds of a user."""
    with session_on(settings) as session:
        rows = session.execute(
            f"SELECT {', '.join(KEYS[table])} FROM {settings.cassandra_keyspace}.{table}",
            timeout=PATIENCE_SECONDS,
        )
        found = [dict(zip(KEYS[table], row, strict=True)) for row in rows]
    return [each for each in found if each["user_id"] == user]


def key_of(settings: Settings, user: int, post: int) -> dict[str, int]:
    """Of an entry in a home; of a post that shows, for the entry of what is folded may go."""
    (found,) = [
        each for each in keys_in(settings, "home_timeline", user) if each["post_id"] == post
    ]
    return found


def removing(table: str, key: dict[str, int]) -> str:
    where = " AND ".join(f"{name} = {value}" for name, value in key.items())
    return f"DELETE FROM {table} WHERE {where}"


class Told:
    """A history, and what alice's home shows of it."""

    def __init__(self, deps: Deps, people: People, new_post: NewPost) -> None:
        self.deps = deps
        self.people = people
        self.posts = [new_post(days_old=9 - n) for n in range(8)]
        self.reply = new_post(days_old=0)
        self.repost = new_post(days_old=1.5)

    async def tell(self) -> None:
        alice, bob, carol = self.people
        facts: list[Any] = [
            FollowCreated(version=1, follower_id=alice, followee_id=bob),
            FollowCreated(version=1, follower_id=alice, followee_id=carol),
            *(
                PostCreated(version=1, post_id=post, author_id=(alice, bob, carol)[n % 3])
                for n, post in enumerate(self.posts)
            ),
            ReplyCreated(
                version=1, post_id=self.reply, author_id=carol, parent_id=self.posts[1]
            ),
            PostCreated(version=1, post_id=self.repost, author_id=carol, repost_of=self.posts[7]),
        ]  # fmt: skip
        outbox = MemoryRequestOutbox()
        deps = self.deps
        see_to = create_handlers(deps.stores, outbox, deps.metrics, deps.retention, deps.clock)
        while facts:
            for each in facts:
                topic = KINDS[str(type(each).__struct_config__.tag)].topic
                for route in (route for route in ROUTES if route.topic == topic):
                    await see_to[route.agent]([Accepted(each, NOW)])
            facts = list(outbox.sent)
            outbox.sent.clear()

    async def home(self) -> list[dict[str, Any]]:
        reader = Reader(self.deps.stores, self.deps.clock)
        page = await Home(reader, self.deps.retention).page(self.people.alice, ALL)
        return [shown(item) for item in page.items]

    async def looked(self) -> VerificationResult:
        async def at_once() -> None:
            """Nothing is on its way."""

        verification = Verifier(self.deps, Random(0), at_once)
        posts = [PostId(each) for each in (*self.posts, self.reply, self.repost)]
        return await verification.verify([self.people.alice], posts)


@pytest.fixture
async def told(deps: Deps, people: People, new_post: NewPost) -> Told:
    told = Told(deps, people, new_post)
    await told.tell()
    return told


async def test_what_nobody_damaged_is_whole(told: Told) -> None:
    assert (await told.looked()).is_whole
    assert len(await told.home()) == len(told.posts) + 1


@pytest.mark.parametrize("table", KEYS)
async def test_rows_that_were_removed_are_found_and_mended(
    told: Told, deps: Deps, damage: Damage, table: str
) -> None:
    """By CQL DELETE, the tombstones of which are newer than what any event would write."""
    live = await told.home()
    for key in keys_in(deps.settings, table, told.people.alice)[::2]:
        damage(removing(table, key))
    looked = await told.looked()
    assert looked.homes.missing
    assert set(looked.homes.differing) == {told.people.alice}
    await Rebuild(deps.stores, deps.retention, deps.clock)([told.people.alice])
    assert (await told.looked()).is_whole
    assert await told.home() == live


async def test_rows_that_were_doubled_or_altered_are_found_where_they_show(
    told: Told, deps: Deps, damage: Damage
) -> None:
    """One more of the same shows nothing; one that became another post's is missing."""
    live = await told.home()
    key = key_of(deps.settings, told.people.alice, told.posts[0])
    double = key | {"shard": key["shard"] * 2}
    shards = f"VALUES ({slot(told.people.alice) >> 28}, {key['bucket']}, 512)"
    damage(f"INSERT INTO home_buckets (slot_group, bucket, shards) {shards}")
    for row in (key, double, key | {"post_id": key["post_id"] + 1}):
        values = ", ".join(map(str, row.values()))
        damage(f"INSERT INTO home_timeline ({', '.join(row)}) VALUES ({values})")
    assert (await told.looked()).is_whole
    for row in (key, double):
        damage(removing("home_timeline", row))
    looked = await told.looked()
    assert looked.homes.missing == 1
    await Rebuild(deps.stores, deps.retention, deps.clock)([told.people.alice])
    assert (await told.looked()).is_whole
    assert await told.home() == live


@pytest.mark.parametrize(
    ("table", "place"),
    [("author_replies", "parent_id = {above} AND author_id = {author} AND post_id = {reply}"),
     ("author_timeline", "author_id = {author} AND post_id = {reply}")],
)  # fmt: skip
async def test_a_link_that_was_removed_is_found(
    told: Told, damage: Damage, table: str, place: str
) -> None:
    """The reply is missing among its author's replies to its parent, or on their page."""
    where = place.format(above=told.posts[1], reply=told.reply, author=told.people.carol)
    damage(f"DELETE FROM {table} WHERE {where}")
    looked = await told.looked()
    assert told.reply in looked.threads.differing
    await told.tell()  # a replay by a store that mends
    assert (await told.looked()).is_whole


async def test_a_link_with_its_author_is_not_removed_by_the_way(told: Told, damage: Damage) -> None:
    """Its timestamp is above those of clocks; whoever outbids it on purpose is found."""
    where = f"WHERE parent_id = {told.posts[1]} AND post_id = {told.reply}"
    damage(f"DELETE FROM children {where}")
    assert (await told.looked()).is_whole
    damage(f"DELETE FROM children USING TIMESTAMP {INVERTED} {where}")
    assert told.reply in (await told.looked()).threads.differing


async def test_a_rebuild_by_the_usual_writer_would_be_outbid(
    usual_keyspace: Settings, told: Told, deps: Deps, damage: Damage
) -> None:
    """Why mending has a timestamp of its own: the control."""
    live = await told.home()
    key = key_of(usual_keyspace, told.people.alice, told.posts[0])
    damage(removing("home_timeline", key))
    store = await connect(usual_keyspace, deps.metrics)
    try:
        usual = cassandra_stores(store, usual_keyspace, deps.clock)
        await Rebuild(usual, deps.retention, deps.clock)([told.people.alice])
    finally:
        await store.close()
    assert await told.home() != live
    await Rebuild(deps.stores, deps.retention, deps.clock)([told.people.alice])
    assert await told.home() == live


async def test_everybody_is_rebuilt(told: Told, deps: Deps, damage: Damage) -> None:
    """All of a table is lost; each is found by what he wrote or by whom he follows."""
    live = await told.home()
    await asyncio.to_thread(damage, "TRUNCATE home_timeline")
    rebuild = Rebuild(deps.stores, deps.retention, deps.clock)
    async for users in scan_users(deps):
        await rebuild(users)
    assert await told.home() == live
