"""Which entries homes must hold after a run, and what is lost or extra of them. Pure.

An entry is a pair of a user and a post. Pairs are compared exactly, shard by shard of the users,
so that memory holds one shard's at a time.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.ids import SLOTS, IdArray, slots


class Entries(NamedTuple):
    """Pairs of a user and a post, by column."""

    users: IdArray
    posts: IdArray

    def __len__(self) -> int:
        return len(self.users)


class EntryDifference(NamedTuple):
    """How many entries are owed and not there, and there and never owed."""

    lost: int
    extra: int

    def __add__(self, other: object) -> "EntryDifference":
        assert isinstance(other, EntryDifference)
        return EntryDifference(self.lost + other.lost, self.extra + other.extra)


NO_ENTRIES = Entries(np.array([], np.int64), np.array([], np.int64))


class ExpectedHomes:
    """What each shard of users must hold, and what it may hold besides.

    A follower of an author is owed all his posts, and the author his own. Where an edge ended
    during the run its entries may be there or not.
    """

    def __init__(self, followees: IdArray, followers: IdArray, posts: Entries, shards: int) -> None:
        """`posts` are pairs of an author and his post."""
        authors = np.unique(posts.users)
        self._authors = authors
        order = np.argsort(posts.users, kind="stable")
        self._posts = posts.posts[order]
        self._first = np.searchsorted(posts.users[order], authors)
        self._counts = np.diff(np.append(self._first, len(order)))
        edges = np.isin(followees, authors)
        followees = np.concatenate([followees[edges], authors])
        followers = np.concatenate([followers[edges], authors])
        shard = slots(followers) * shards // SLOTS
        by_shard = np.argsort(shard, kind="stable")
        self._whose = np.searchsorted(authors, followees[by_shard])
        self._followers = followers[by_shard]
        self._starts = np.searchsorted(shard[by_shard], np.arange(shards + 1))

    def of(self, shard: int) -> Entries:
        """The entries of the users of one shard, in no order."""
        mine = slice(self._starts[shard], self._starts[shard + 1])
        whose, users = self._whose[mine], self._followers[mine]
        counts = self._counts[whose]
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        return Entries(
            np.repeat(users, counts), self._posts[np.repeat(self._first[whose], counts) + within]
        )


def compare_entries(owed: Entries, found: Entries, maybe: Entries = NO_ENTRIES) -> EntryDifference:
    """What is lost and extra; what is in `maybe` is neither. One that is there twice is extra."""
    owes, finds, may = _numbered(owed, found, maybe)
    owes, distinct = np.unique(owes), np.unique(finds)
    lost = np.setdiff1d(owes, distinct, assume_unique=True)
    extra = np.setdiff1d(np.setdiff1d(distinct, owes, assume_unique=True), may)
    return EntryDifference(len(lost), len(extra) + len(finds) - len(distinct))


def _numbered(*entries: Entries) -> list[NDArray[np.int64]]:
    """A number for each pair, the same for the same pair."""
    users = np.unique(np.concatenate([each.users for each in entries]))
    posts = np.unique(np.concatenate([each.posts for each in entries]))
    return [
        np.searchsorted(users, each.users) * len(posts) + np.searchsorted(posts, each.posts)
        for each in entries
    ]
