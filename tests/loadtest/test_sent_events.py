"""What was published, what homes must hold, and how it is cut for a writer without a log."""

import numpy as np

from loadtest.bench import SentEvents
from loadtest.graph import FollowerLists, Graph
from loadtest.kafka import topics_by_role
from loadtest.references import ENTRIES_AT_ONCE, flatten_batch, reference_batches
from loadtest.store import to_entries
from schemas import topics
from schemas.codec import SNAPSHOTS

ALICE, BOB = 7, 8
PEOPLE = Graph(
    users=np.arange(100, 200),
    groups={"authors": np.array([ALICE, BOB])},
    followees=np.repeat([ALICE, BOB], 50),
    followers=np.arange(100, 200),
    readers=np.array([100]),
)


def test_an_edge_that_ends_may_have_entries_or_not() -> None:
    """Its entries are neither expected nor extra; readers keep their edges."""
    ledger = SentEvents(PEOPLE)
    ended = ledger.end_edges(60, np.random.default_rng(1))
    assert len(set(ended)) == 60
    assert (ALICE, 100) not in ended
    assert len(ledger.current_edges().followers) == 40
    assert sorted(ledger.ended_edges().followers.tolist()) == sorted(user for _, user in ended)
    assert len(ledger.lists.of(ALICE)) + len(ledger.lists.of(BOB)) == 40


def test_a_new_edge_is_owed_what_was_written_before() -> None:
    """A backfill delivers them."""
    ledger = SentEvents(PEOPLE)
    ledger.add_post(ALICE, 1_000)
    ledger.add_follow(ALICE, 150)
    edges = ledger.current_edges()
    assert (edges.followees[-1], edges.followers[-1]) == (ALICE, 150)
    assert ledger.author_posts().posts.tolist() == [1_000]


def test_batches_hold_every_entry_once_up_to_a_bound() -> None:
    """As in the fan-out's handler: posts together, a large one in parts."""
    many = np.arange(1, 100_001)
    lists = FollowerLists(np.repeat([ALICE, BOB], [100_000, 50]), np.append(many, np.arange(50)))
    posts = to_entries([BOB, ALICE, BOB], [1, 2, 3])
    found = reference_batches(lists, posts, 1_000_000)
    entries = list(map(flatten_batch, found))
    assert max(map(len, entries)) <= ENTRIES_AT_ONCE
    assert sum(map(len, entries)) == 100_100
    assert sum((each.posts == 2).sum() for each in entries) == 100_000
    assert [len(flatten_batch(each)) for each in reference_batches(lists, posts, 777)] == [777]
    assert reference_batches(lists, to_entries([], []), 10) == []


def test_roles_come_from_the_topics_and_senders_come_first() -> None:
    """Once the first has nothing left, the others get no more. None reads snapshots."""
    order = list(topics_by_role())
    assert order.index("ingest") < order.index("fanout")
    assert "operators" not in order
    assert {name for names in topics_by_role().values() for name in names} == {
        name for name in topics.load_topics() if not name.endswith("-dlq") and name not in SNAPSHOTS
    }
