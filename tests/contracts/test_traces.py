"""What of a person stands in any table of Cassandra, before and after their erasure.

It knows no table by name but to say why an id may stay in it: one that is added to the schema has
to hold something of alice before, and nothing but such ids after.
"""

import asyncio
import struct
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, NamedTuple, get_args

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from schemas import events, relations
from schemas.codec import KINDS
from schemas.ids import SLOTS, PostId, UserId, post_time
from services.activity.store import ActivityKind
from services.erasures.table_scan import POINTERS, scan_tables
from services.graph.store import SlotRange
from services.handlers.erasure import Eraser
from services.handlers.handler import Accepted
from services.handlers.rebuild import Rebuild
from services.metrics.metrics import Metrics
from services.retention import Retention
from services.search.terms import author_term, words
from services.search.words.cassandra import hashed_term
from services.settings.settings import Settings
from services.storage.session import connect
from services.stores import Stores
from services.verification.erasure import remains_of
from streams.cli.reindex import reindex
from streams.erasing import ErasureWork
from streams.pace import Pace
from streams.replay.edges import every_edge
from streams.routes import create_inline_handlers
from tests.contracts.conftest import on, session_on
from tests.contracts.histories import NOW, NewPeople, NewPost

pytestmark = pytest.mark.integration

RETENTION = Retention(days=30)
FACTS = (events.PostFact, events.FollowFact, relations.RelationFact)
HOLD_NOBODY = {
    "brakes",
    "erasures",
    "quotes",
    "settled_letters",
    "generations",
    "generation_workers",
    "home_buckets",
    "term_buckets",
    "word_buckets",
    "schema_lock",
    "schema_migrations",
}
"""Tables without anything of anybody: of topics, places in the log, buckets and posts' ids, and of
work that is done."""


class Traces(NamedTuple):
    """Columns that hold a person's words, and columns that hold the id."""

    words: set[str]
    ids: set[str]

    @property
    def tables(self) -> set[str]:
        return {each.partition(".")[0] for each in self.words | self.ids}


class Person(NamedTuple):
    user: UserId
    marker: str

    def traces(self, settings: Settings) -> Traces:
        """Look at every cell of every table."""
        found = Traces(set(), set())
        for table, row in _rows(settings):
            for column, value in row.items():
                if self._is_word(value):
                    found.words.add(f"{table}.{column}")
                if self._is_id(value):
                    found.ids.add(f"{table}.{column}")
        return found

    def _is_word(self, value: object) -> bool:
        said = {*words(self.marker), author_term(self.user)}
        hashes = {hashed_term(each) for each in said}
        if isinstance(value, bytes):
            packed = (struct.pack(">q", each) for each in hashes)
            return self.marker.encode() in value or any(each in value for each in packed)
        return value in hashes if isinstance(value, int) else self.marker in str(value)

    def _is_id(self, value: object) -> bool:
        if isinstance(value, bytes):
            return struct.pack(">q", self.user) in value or str(self.user).encode() in value
        return value in {self.user, ~self.user} or (
            isinstance(value, str) and str(self.user) in value
        )


def _tables(settings: Settings) -> set[str]:
    with session_on(settings) as session:
        return set(session.cluster.metadata.keyspaces[settings.cassandra_keyspace].tables)


def _rows(settings: Settings) -> Iterator[tuple[str, dict[str, Any]]]:
    keyspace = settings.cassandra_keyspace
    with session_on(settings) as session:
        for table in session.cluster.metadata.keyspaces[keyspace].tables:
            found = session.execute(f"SELECT * FROM {keyspace}.{table}", timeout=60)
            for row in found:
                yield table, dict(zip(found.column_names, row, strict=True))


@pytest.fixture
async def stores(usual_keyspace: Settings) -> AsyncIterator[Stores]:
    store = await connect(usual_keyspace, Metrics(CollectorRegistry()))
    yield on(store)
    await store.close()


@pytest.fixture
def alice(new_people: NewPeople) -> Person:
    user = new_people().alice
    return Person(user, f"hush{user:x}")


def told(alice: Person, new_people: NewPeople, new_post: NewPost) -> list[Any]:
    """A history with every kind of fact, of alice's and of what others do to her."""
    me, marker = alice
    (bob, carol, dave), crowd = new_people(), new_people()
    by, carols = ({"version": NOW * 1_000, "owner_id": each} for each in (me, carol))
    root, *mine = (new_post() for _ in range(9))

    def of(post: PostId, author: UserId = me) -> dict[str, Any]:
        return {"version": post_time(post) * 1_000, "post_id": post, "author_id": author}

    spoken: dict[str, Any] = {
        "text": f"{marker} said",
        "lang": marker,
        "tags": (marker,),
        "links": (f"https://example.org/{marker}",),
    }
    post, gone, direct, repost, reply, orphan, late, lost = mine
    return [
        events.PostCreated(**of(root, bob), mentions=(me,)),
        events.PostCreated(**of(post), **spoken, mentions=(bob,), reply_gate=("followers",)),
        events.PostEdited(**of(post), **spoken),
        events.PostCreated(**of(gone), **spoken),
        events.PostDeleted(**of(gone)),
        events.PostCreated(**of(direct), **spoken, visibility="direct"),
        events.PostCreated(**of(repost), repost_of=root),
        events.PostCreated(**of(new_post(), bob), quote_of=post),
        events.QuoteDetached(**of(root)),
        events.ReplyCreated(**of(reply), **spoken, parent_id=root),
        events.ReplyEdited(**of(reply), **spoken),
        events.ReplyDeleted(**of(reply)),
        events.ReplyCreated(**of(orphan), **spoken, parent_id=lost, root_id=root),
        events.PostEdited(**of(late), **spoken),
        events.ReplyCreated(**of(new_post(), bob), parent_id=post, text="and others answer"),
        *(_follow(me, each) for each in (bob, carol)),
        *(_follow(each, bob) for each in crowd),
        *(_follow(each, me) for each in (bob, *crowd)),
        events.FollowDeleted(version=NOW * 1_000 + 1, follower_id=me, followee_id=carol),
        relations.BlockCreated(**by, target_id=dave),
        relations.BlockDeleted(**by, target_id=carol),
        relations.BlockCreated(**carols, target_id=me),
        relations.MuteCreated(**by, target_id=dave),
        relations.MuteDeleted(**by, target_id=carol),
        relations.MuteCreated(**carols, target_id=me),
        relations.KeywordMuteCreated(**by, keyword_id=1, phrase=marker),
        relations.KeywordMuteDeleted(**by, keyword_id=2),
        relations.ListCreated(**by, list_id=mine[0]),
        relations.ListDeleted(**by, list_id=mine[1]),
        relations.ListMemberAdded(**by, list_id=mine[0], member_id=bob),
        relations.ListMemberRemoved(**by, list_id=mine[0], member_id=carol),
        relations.ListCreated(**carols, list_id=mine[2]),
        relations.ListMemberAdded(**carols, list_id=mine[2], member_id=me),
        relations.TagFollowCreated(**by, tag=marker),
        relations.TagFollowDeleted(**by, tag=f"{marker}2"),
        relations.ThreadMuteCreated(**by, root_id=root),
        relations.ThreadMuteDeleted(**by, root_id=post),
        relations.ReadMarked(**by, what="home", up_to=post),
        relations.SettingsChanged(**by, bare_links=False),
        relations.AccountSuspended(**by),
        relations.AccountReinstated(**by),
    ]


def _follow(one: UserId, two: UserId) -> events.FollowCreated:
    return events.FollowCreated(version=NOW * 1_000, follower_id=one, followee_id=two)


async def deliver(stores: Stores, facts: Sequence[Any], pull_followers: int = 0) -> None:
    """Hand the facts to handlers that have seen nothing yet."""
    handlers = create_inline_handlers(
        stores,
        Metrics(CollectorRegistry()),
        RETENTION,
        lambda: NOW,
        backfills=True,
        pull_followers=pull_followers,
    )
    for fact in facts:
        topic = KINDS[fact.__struct_config__.tag].topic
        await handlers[topic]([Accepted(fact, NOW)])


async def erase(stores: Stores, user: UserId) -> None:
    """As a worker does: the fact, then what is on the list."""
    await deliver(stores, [relations.AccountErased(version=NOW * 1_000, owner_id=user)])
    work = ErasureWork(
        stores.erasures,
        Eraser(stores, rows_at_once=3),
        Metrics(CollectorRegistry()),
        lambda: NOW,
        holder="a",
        rate=1_000_000,
    )
    await work.look()


async def live(stores: Stores, alice: Person, facts: Sequence[Any]) -> None:
    """Bring something of alice into every table."""
    await deliver(stores, facts)
    await deliver(stores, facts[1:2], pull_followers=1)
    bob = facts[0].author_id
    for _ in range(3):  # from rows, then into packs, then a change
        await stores.graph.followers([SlotRange(each, 0, SLOTS) for each in (bob, alice.user)])
    await deliver(stores, [each for each in facts if isinstance(each, events.FollowCreated)])
    user, today = np.array([alice.user], np.int64), np.array([20_000], np.int64)
    await stores.activity.raise_numbers(ActivityKind.SEEN, user, today)


async def test_nothing_of_an_erased_account_stands_in_any_table(
    stores: Stores,
    usual_keyspace: Settings,
    alice: Person,
    new_people: NewPeople,
    new_post: NewPost,
) -> None:
    """But ids, each for a reason; nor after a replay of everything, a rebuild and a reindex."""
    facts = told(alice, new_people, new_post)
    kinds = {kind for fact in FACTS for kind in get_args(fact)}
    assert kinds - {type(each) for each in facts} == {relations.AccountErased}
    await live(stores, alice, facts)
    before = alice.traces(usual_keyspace)
    assert _tables(usual_keyspace) - before.tables == HOLD_NOBODY
    found = await asyncio.to_thread(lambda: list(scan_tables(usual_keyspace, alice.user)))
    assert {column for each in found for column in each.holding} == before.ids

    await erase(stores, alice.user)
    after = alice.traces(usual_keyspace)
    assert after.words == set()
    assert after.ids <= POINTERS.keys()
    assert await remains_of(alice.user, stores) == {}
    assert (await stores.erasures.state(alice.user)).is_done
    found = await asyncio.to_thread(lambda: list(scan_tables(usual_keyspace, alice.user)))
    assert [each.table for each in found if each.remains] == []

    await deliver(stores, facts)
    await Rebuild(stores, RETENTION, lambda: NOW)([alice.user, facts[0].author_id])
    await reindex(stores, Pace(None), lambda _: None)
    again = alice.traces(usual_keyspace)
    assert again.words == set()
    assert again.ids <= POINTERS.keys()
    edges = [edge async for some in every_edge(stores.relations) for edge in some]
    assert alice.user not in {each for e in edges for each in (e.follower_id, e.followee_id)}
