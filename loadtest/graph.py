"""Makes the follow graph of a scenario. Seeded, pure.

Only follower lists of authors are made, since no others are read. Followers are drawn evenly from
all users. User ids are random numbers of 63 bits: consecutive ids would fill whole timeline shards
at once and flatter every figure.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from loadtest.scenario import Group, Scenario
from schemas.ids import MAX_ID, IdArray

TAIL_EXPONENT = 1.88
"""Exponent of the density of follower counts, by maximum likelihood (Clauset, Shalizi and Newman
2009) over the 10,296 of PHEME's 42,266 users who have 1,000 followers or more; 1.81 over the 1,342
with 10,000 or more. Their median is 340."""


class Graph(NamedTuple):
    """Users, authors by group, readers, and follow edges as two columns, author by author."""

    users: IdArray
    groups: Mapping[str, IdArray]
    followees: IdArray
    followers: IdArray
    readers: IdArray

    def lists(self) -> "FollowerLists":
        """Return the edges indexed by author."""
        order = np.argsort(self.followees, kind="stable")
        return FollowerLists(self.followees[order], self.followers[order])


class FollowerLists(NamedTuple):
    """Follow edges in ascending order of authors, for looking up an author's followers."""

    followees: IdArray
    followers: IdArray

    def of(self, author: int) -> IdArray:
        """Return the followers of an author."""
        start, end = np.searchsorted(self.followees, [author, author + 1])
        return self.followers[start:end]

    def counts(self, authors: IdArray) -> NDArray[np.int64]:
        """Return the number of followers of each author."""
        low = np.searchsorted(self.followees, authors, "left")
        return np.asarray(np.searchsorted(self.followees, authors, "right") - low, np.int64)


def make_graph(scenario: Scenario) -> Graph:
    """Return the graph of a scenario, the same each time for the same scenario and seed.

    Readers are among the followers that an author is to have, so that the mean is as stated at
    every scale. Where these are too few, readers follow fewer authors.
    """
    random = np.random.default_rng(scenario.seed)
    authors = sum(group.authors for group in scenario.groups.values())
    ids = distinct_ids(random, scenario.users + authors)
    users, rest = ids[: scenario.users], ids[scenario.users :]
    groups: dict[str, IdArray] = {}
    drawn = []
    for name, group in scenario.groups.items():
        groups[name], rest = rest[: group.authors], rest[group.authors :]
        counts = np.minimum(follower_counts(group), len(users))
        random.shuffle(counts)
        drawn.append(counts)
    wanted = np.concatenate(drawn)
    count, follows = 0, 0
    if scenario.readers:
        count, follows = min(scenario.readers.count, len(users)), scenario.readers.follows
    chosen = _choose_authors(random, wanted, count, follows)
    followers = [
        _draw_followers(random, users, count, places, int(each))
        for places, each in zip(chosen, wanted, strict=True)
    ]
    followees = np.repeat(np.concatenate(list(groups.values())), wanted)
    return Graph(users, groups, *_ordered(followees, np.concatenate(followers)), users[:count])


def _choose_authors(
    random: np.random.Generator, wanted: NDArray[np.int64], readers: int, follows: int
) -> list[list[int]]:
    """Return for each author which readers follow them, no more than the followers they have."""
    left = wanted.copy()
    chosen: list[list[int]] = [[] for _ in wanted]
    for reader in range(readers):
        free = np.flatnonzero(left)
        for author in random.choice(free, min(follows, len(free)), replace=False).tolist():
            chosen[author].append(reader)
            left[author] -= 1
    return chosen


def _draw_followers(
    random: np.random.Generator, users: IdArray, readers: int, chosen: list[int], count: int
) -> IdArray:
    """Return this many followers: the chosen readers, then others, then the readers left."""
    others, more = users[readers:], count - len(chosen)
    drawn = random.choice(others, min(more, len(others)), replace=False)
    left = np.setdiff1d(np.arange(readers), chosen)[: more - len(drawn)]
    return np.concatenate([users[chosen], drawn, users[left]])


def distinct_ids(random: np.random.Generator, count: int) -> IdArray:
    """Return this many different ids, in no order."""
    ids = np.unique(random.integers(1, MAX_ID, count + 16))
    random.shuffle(ids)
    return ids[:count]


def follower_counts(group: Group) -> NDArray[np.int64]:
    """Return how many followers each author of a group has, ascending, each at least one.

    With a power law they are its quantiles, not draws: the mean of a few draws from so long a tail
    would say nothing.
    """
    if group.most is None:
        return np.full(group.authors, max(1, round(group.followers)), np.int64)
    low, high = 1e-3, float(group.followers)
    for _ in range(60):
        middle = (low * high) ** 0.5
        counts = _quantiles(group, middle)
        low, high = (middle, high) if counts.mean() < group.followers else (low, middle)
    return _quantiles(group, high)


def _quantiles(group: Group, least: float) -> NDArray[np.int64]:
    """Return quantiles of a Pareto law that begins at `least`, bounded by the group's most."""
    shares = (np.arange(group.authors) + 0.5) / group.authors
    counts = least * (1 - shares) ** (-1 / (TAIL_EXPONENT - 1))
    return np.clip(np.round(counts), 1, group.most).astype(np.int64)


def _ordered(followees: IdArray, followers: IdArray) -> tuple[IdArray, IdArray]:
    """Return the edges by followee, then by follower."""
    order = np.lexsort((followers, followees))
    return followees[order], followers[order]
