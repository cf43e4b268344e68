"""What is lost and what is extra is found, entry by entry."""

import numpy as np
import pytest

from loadtest.expected import NO_ENTRIES, Entries, EntryDifference, ExpectedHomes, compare_entries

SHARDS = 4
RANDOM = np.random.default_rng(3)
AUTHORS = RANDOM.integers(1, 2**62, 5)
USERS = RANDOM.integers(1, 2**62, 40)
FOLLOWEES = np.repeat(AUTHORS, 8)
WRITTEN = Entries(np.repeat(AUTHORS[:4], 3), np.arange(1_000, 1_012))
"""Three posts of each author but the last, who has written nothing."""


def all_owed() -> Entries:
    owed = ExpectedHomes(FOLLOWEES, USERS, WRITTEN, SHARDS)
    parts = [owed.of(shard) for shard in range(SHARDS)]
    return Entries(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def test_followers_get_every_post_and_authors_their_own() -> None:
    """Each in the shard of the user, and nothing else."""
    owed = all_owed()
    plain = {
        (user, post)
        for author, post in zip(*map(np.ndarray.tolist, WRITTEN), strict=True)
        for user in [author, *USERS[author == FOLLOWEES].tolist()]
    }
    assert set(zip(*map(np.ndarray.tolist, owed), strict=True)) == plain
    assert len(owed) == len(plain) == 4 * 3 * 9


def test_equal_entries_have_no_difference() -> None:
    """Whatever its order."""
    owed = all_owed()
    order = np.random.default_rng(1).permutation(len(owed))
    assert compare_entries(owed, Entries(owed.users[order], owed.posts[order])) == EntryDifference(
        0, 0
    )
    assert compare_entries(NO_ENTRIES, NO_ENTRIES) == EntryDifference(0, 0)


@pytest.mark.parametrize("place", [0, 17, -1])
def test_an_entry_that_is_gone_is_lost(place: int) -> None:
    """One of a hundred."""
    owed = all_owed()
    found = Entries(np.delete(owed.users, place), np.delete(owed.posts, place))
    assert compare_entries(owed, found) == EntryDifference(1, 0)


def test_an_entry_of_somebody_else_is_extra() -> None:
    """Also where user and post are both known, and where neither is."""
    owed = all_owed()
    stranger = Entries(np.append(owed.users, USERS[-1]), np.append(owed.posts, 1_000))
    unknown = Entries(np.append(owed.users, 5), np.append(owed.posts, 6))
    assert (
        compare_entries(owed, stranger) == compare_entries(owed, unknown) == EntryDifference(0, 1)
    )


def test_an_entry_that_is_there_twice_is_extra() -> None:
    """It would be shown twice."""
    owed = all_owed()
    twice = Entries(np.append(owed.users, owed.users[3]), np.append(owed.posts, owed.posts[3]))
    assert compare_entries(owed, twice) == EntryDifference(0, 1)


def test_an_entry_at_the_wrong_user_is_both() -> None:
    """Although the number of entries is the same."""
    owed = all_owed()
    users = owed.users.copy()
    users[5] = 99
    assert compare_entries(owed, Entries(users, owed.posts)) == EntryDifference(1, 1)


def test_what_may_be_there_is_neither() -> None:
    """An edge that ended during the run."""
    owed = all_owed()
    maybe = Entries(np.array([99, 98]), np.array([1_000, 1_000]))
    found = Entries(np.append(owed.users, 99), np.append(owed.posts, 1_000))
    assert compare_entries(owed, found, maybe) == EntryDifference(0, 0)
    assert compare_entries(owed, found) == EntryDifference(0, 1)
