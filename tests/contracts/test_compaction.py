"""The negative control of `compacted`: what those adapters are to uncover does happen there."""

import asyncio
from functools import partial

from prometheus_client import CollectorRegistry

from schemas.events import FollowCreated, FollowDeleted
from services.metrics.metrics import Metrics
from services.relations.cassandra import CassandraRelations
from services.relations.mutation import relation_mutation
from services.settings.settings import Settings
from services.storage.session import connect
from tests.contracts.conftest import Compactor, session_on
from tests.contracts.histories import People

DELETE = (
    "DELETE FROM relations USING TIMESTAMP 2000 WHERE owner_id = %s AND part = 0 AND other_id = %s"
)


async def test_an_unfollow_by_delete_is_undone_by_a_replay(
    forgetful_keyspace: Settings, compactor: Compactor, people: People
) -> None:
    """Alice followed bob and carol, and unfollows both: bob by a DELETE, carol as Mingle does it.

    gc_grace passes, the store compacts, the two old follows are replayed: bob is followed again.
    Before the compaction nothing tells the two ways apart.
    """
    alice, bob, carol = people
    keyspace = forgetful_keyspace.cassandra_keyspace
    compact = partial(asyncio.to_thread, compactor.compact, keyspace, ["relations"])
    followed = [
        relation_mutation(FollowCreated(version=1_000, follower_id=alice, followee_id=each))
        for each in (bob, carol)
    ]
    store = await connect(forgetful_keyspace, Metrics(CollectorRegistry()))
    try:
        relations = CassandraRelations(store)
        await relations.record(followed)
        await relations.record(
            [relation_mutation(FollowDeleted(version=2_000, follower_id=alice, followee_id=carol))]
        )
        with session_on(forgetful_keyspace) as session:
            session.set_keyspace(keyspace)
            session.execute(DELETE, (alice, bob))
        await relations.record(followed)
        assert (await relations.about(alice, [bob, carol])).edges == {}
        await compact()
        await relations.record(followed)
        assert set((await relations.about(alice, [bob, carol])).edges) == {bob}
    finally:
        await store.close()
