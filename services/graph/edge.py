"""What a message about one (follower, followee) says to a follower list."""

from typing import NamedTuple

from schemas.events import FollowDeleted, FollowFact
from schemas.ids import UserId, Version


class EdgeMutation(NamedTuple):
    """What one message writes. The highest version has it; at equal ones a removal wins."""

    follower_id: UserId
    followee_id: UserId
    version: Version
    removed: bool


def edge_mutation(fact: FollowFact) -> EdgeMutation:
    """What a message writes."""
    return EdgeMutation(
        UserId(fact.follower_id),
        UserId(fact.followee_id),
        Version(fact.version),
        isinstance(fact, FollowDeleted),
    )
