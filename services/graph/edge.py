"""A follow edge: what the messages about one (follower, followee) add up to."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from schemas.canonical import Canonical, canonical, value_of
from schemas.events import FollowCreated, FollowFact, Replies
from schemas.ids import UserId, Version

OPTIONS = ("replies", "reposts", "bare_links", "languages")


class EdgeMutation(NamedTuple):
    """What one message writes.

    The highest version has each cell; at equal versions a removal wins, and options fall to the
    larger bytes.
    """

    follower_id: UserId
    followee_id: UserId
    version: Version
    removed: bool
    options: Mapping[str, Canonical]  # OPTIONS; empty for a removal


class Edge(msgspec.Struct, frozen=True):
    """A follow edge that is there now, with its options."""

    follower_id: UserId
    followee_id: UserId
    version: Version
    replies: Replies = "followed"
    reposts: bool = True
    bare_links: bool | None = None
    languages: frozenset[str] = frozenset()


def edge_mutation(fact: FollowFact) -> EdgeMutation:
    """What a message writes."""
    options = {}
    if isinstance(fact, FollowCreated):
        options = {name: canonical(name, getattr(fact, name)) for name in OPTIONS}
    return EdgeMutation(
        UserId(fact.follower_id),
        UserId(fact.followee_id),
        Version(fact.version),
        not options,
        options,
    )


def edge(
    follower: UserId, followee: UserId, version: Version, options: Mapping[str, Canonical]
) -> Edge:
    """The edge that stored cells stand for."""
    return Edge(
        follower,
        followee,
        version,
        replies=value_of(options["replies"]),
        reposts=value_of(options["reposts"]),
        bare_links=value_of(options["bare_links"]),
        languages=frozenset(value_of(options["languages"])),
    )
