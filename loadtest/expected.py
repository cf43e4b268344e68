"""Computes which entries homes must hold after a run, and which are lost or extra. Pure.

An entry is a pair of a user and a post. Pairs are compared exactly, one shard of users after the
other, so that memory holds the entries of one shard only.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.ids import SLOTS, IdArray, slots


class Entries(NamedTuple):
    """Pairs of a user and a post, as two columns."""

    users: IdArray
    posts: IdArray

    def __len__(self) -> int:
        return len(self.users)


class EntryDifference(NamedTuple):
    """Numbers of entries that are expected but missing, and present but not expected."""

    lost: int
    extra: int

    def __add__(self, other: object) -> "EntryDifference":
        assert isinstance(other, EntryDifference)
        return EntryDifference(self.lost + other.lost, self.extra + other.extra)


NO_ENTRIES = Entries(np.array([], np.int64), np.array([], np.int64))


class ExpectedHomes:
    """Entries that the homes of each shard of users must hold.

    Followers must get all posts of an author, and authors their own.
    """

    def __init__(self, followees: IdArray, followers: IdArray, posts: Entries, shards: int) -> None:
        """`posts` are pairs of an author and a post."""
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
        """Return the entries of the users of one shard, in no order."""
        mine = slice(self._starts[shard], self._starts[shard + 1])
        whose, users = self._whose[mine], self._followers[mine]
        counts = self._counts[whose]
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        return Entries(
            np.repeat(users, counts), self._posts[np.repeat(self._first[whose], counts) + within]
        )


def compare_entries(
    expected: Entries, found: Entries, allowed: Entries = NO_ENTRIES
) -> EntryDifference:
    """Count lost and extra entries. Those in `allowed` are neither; a repeated one is extra."""
    must, present, may = _numbered(expected, found, allowed)
    must, distinct = np.unique(must), np.unique(present)
    lost = np.setdiff1d(must, distinct, assume_unique=True)
    extra = np.setdiff1d(np.setdiff1d(distinct, must, assume_unique=True), may)
    return EntryDifference(len(lost), len(extra) + len(present) - len(distinct))


def _numbered(*entries: Entries) -> list[NDArray[np.int64]]:
    """Number the pairs, equal pairs alike."""
    users = np.unique(np.concatenate([each.users for each in entries]))
    posts = np.unique(np.concatenate([each.posts for each in entries]))
    return [
        np.searchsorted(users, each.users) * len(posts) + np.searchsorted(posts, each.posts)
        for each in entries
    ]
