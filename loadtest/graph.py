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
    """Return the graph of a scenario, the same each time for the same scenario and seed."""
    random = np.random.default_rng(scenario.seed)
    authors = sum(group.authors for group in scenario.groups.values())
    ids = distinct_ids(random, scenario.users + authors)
    users, rest = ids[: scenario.users], ids[scenario.users :]
    groups: dict[str, IdArray] = {}
    followees, followers = [], []
    for name, group in scenario.groups.items():
        groups[name], rest = rest[: group.authors], rest[group.authors :]
        counts = np.minimum(follower_counts(group), len(users))
        random.shuffle(counts)
        followees.append(np.repeat(groups[name], counts))
        followers += [random.choice(users, count, replace=False) for count in counts.tolist()]
    readers = users[: scenario.readers.count] if scenario.readers else users[:0]
    if scenario.readers:
        everybody = np.concatenate(list(groups.values()))
        count = min(scenario.readers.follows, len(everybody))
        for reader in readers.tolist():
            followees.append(random.choice(everybody, count, replace=False))
            followers.append(np.full(count, reader))
    return Graph(users, groups, *_distinct(followees, followers), readers)


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


def _distinct(followees: list[IdArray], followers: list[IdArray]) -> tuple[IdArray, IdArray]:
    """Return each edge once: a reader may have been drawn as a follower already."""
    ends = np.concatenate(followees), np.concatenate(followers)
    order = np.lexsort(ends[::-1])
    authors, people = ends[0][order], ends[1][order]
    first = np.append(True, (authors[1:] != authors[:-1]) | (people[1:] != people[:-1]))
    return authors[first], people[first]
