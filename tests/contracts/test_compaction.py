"""The `compacted` adapters are worth their time: what they are to uncover does happen there."""

from cassandra.cluster import Session

from services.settings import Settings
from tests.contracts.conftest import Compactor, session_on


def children(session: Session) -> list[int]:
    return [row[0] for row in session.execute("SELECT post_id FROM children WHERE parent_id = 1")]


def test_what_a_delete_removed_rises_again_when_it_is_told_again(
    forgetful_keyspace: Settings, compactor: Compactor
) -> None:
    """A deletion by DELETE would pass every test but those after a compaction."""
    keyspace = forgetful_keyspace.cassandra_keyspace
    with session_on(forgetful_keyspace) as session:
        session.set_keyspace(keyspace)
        told = "INSERT INTO children (parent_id, post_id) VALUES (1, 2) USING TIMESTAMP 5"
        session.execute(told)
        session.execute("DELETE FROM children USING TIMESTAMP 10 WHERE parent_id = 1")
        session.execute(told)
        assert children(session) == []
        compactor.compact(keyspace, ["children"])
        session.execute(told)
        assert children(session) == [2]
