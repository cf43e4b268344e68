"""Where blocks of home entries go."""

from collections import Counter
from itertools import product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from schemas.ids import SLOTS, IdArray, slots
from services.timelines.home_batches import (
    MAX_ROWS_A_STATEMENT,
    MIN_ROWS_A_STATEMENT,
    place_entries,
)
from services.timelines.store import EntryBlock

SHARDS = 16


def buckets(posts: IdArray) -> IdArray:
    """Ten posts in each."""
    return posts // 10


def ids(most: int, size: int) -> st.SearchStrategy[IdArray]:
    numbers = st.lists(st.integers(1, most), max_size=size, unique=True)
    return numbers.map(lambda some: np.array(some, np.int64))


BLOCKS = st.lists(st.builds(EntryBlock, ids(2**40, 300), ids(60, 30)), max_size=6)


@given(BLOCKS)
def test_every_entry_of_every_block_has_its_place(blocks: list[EntryBlock]) -> None:
    """As often as blocks name it, in its bucket and its shard."""
    owed = Counter(
        pair for users, posts in blocks for pair in product(users.tolist(), posts.tolist())
    )
    pieces, rows = place_entries(blocks, buckets, SHARDS)
    found = Counter(zip(rows.users.tolist(), rows.posts.tolist(), strict=True))
    np.testing.assert_array_equal(rows.buckets, buckets(rows.posts))
    np.testing.assert_array_equal(rows.shards, slots(rows.users) * SHARDS // SLOTS)
    for bucket, shard, users, posts in pieces:
        found.update(product(users.tolist(), posts.tolist()))
        assert set(buckets(posts).tolist()) == {bucket}
        assert set((slots(users) * SHARDS // SLOTS).tolist()) == {shard}
    assert found == owed


@given(BLOCKS)
def test_pieces_are_sorted_as_the_table_is(blocks: list[EntryBlock]) -> None:
    """Users upwards, posts from the newest: what is not, Cassandra would sort."""
    for _, _, users, posts in place_entries(blocks, buckets, SHARDS).pieces:
        assert (np.diff(users) > 0).all()
        assert (np.diff(posts) < 0).all()


def test_a_statement_has_a_bound_whichever_side_is_long() -> None:
    crowd, years = np.arange(1, 200_001), np.arange(1, 20_001)
    for block in (
        EntryBlock(crowd, np.array([7])),
        EntryBlock(crowd[:1], years),
        EntryBlock(crowd[:99], years),
    ):
        pieces, rows = place_entries([block], lambda posts: posts * 0, SHARDS)
        assert max(len(each.users) * len(each.posts) for each in pieces) <= MAX_ROWS_A_STATEMENT
        assert sum(len(each.users) * len(each.posts) for each in pieces) == block.entries
        assert len(rows.users) == 0


def test_a_block_of_few_rows_to_a_shard_goes_row_by_row() -> None:
    """A statement would be longer than what it saves."""
    crowd = np.arange(1, 10_001)
    thin = EntryBlock(crowd[: (MIN_ROWS_A_STATEMENT - 1) * SHARDS], np.array([7]))
    dense = EntryBlock(crowd[: MIN_ROWS_A_STATEMENT * SHARDS], np.array([8]))
    pieces, rows = place_entries([thin, dense], buckets, SHARDS)
    assert rows.posts.tolist() == [7] * len(thin.users)
    assert {each.posts.tolist()[0] for each in pieces} == {8}
    assert len(pieces) <= SHARDS


def test_posts_of_many_days_are_no_denser_for_being_many() -> None:
    """What counts is a bucket's share of a block."""
    one = np.array([5])
    pieces, rows = place_entries([EntryBlock(one, np.arange(0, 200, 10))], buckets, SHARDS)
    assert (len(pieces), len(rows.posts)) == (0, 20)
    pieces, rows = place_entries([EntryBlock(one, np.arange(20))], buckets, SHARDS)
    assert (len(pieces), len(rows.posts)) == (2, 0)
