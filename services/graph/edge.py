"""Follow edges as messages write them into follower lists."""

from typing import NamedTuple

from schemas.events import FollowDeleted, FollowFact
from schemas.ids import UserId, Version


class EdgeMutation(NamedTuple):
    """One message's write. The highest version wins, at equal versions a removal."""

    follower_id: UserId
    followee_id: UserId
    version: Version
    removed: bool


def edge_mutation(fact: FollowFact) -> EdgeMutation:
    """Return the write of a message."""
    return EdgeMutation(
        UserId(fact.follower_id),
        UserId(fact.followee_id),
        Version(fact.version),
        isinstance(fact, FollowDeleted),
    )
