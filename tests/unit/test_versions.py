"""Versions that step back are counted, by the topic they came on."""

from prometheus_client import CollectorRegistry

from schemas.events import FollowCreated, FollowDeleted
from services.handling import Accepted
from services.metrics import Metrics
from services.versions import StaleVersions


async def test_only_a_lower_version_of_the_same_edge_is_stale() -> None:
    """Alice's follow of bob steps back once; carol's is another edge, a repetition is none."""
    metrics = Metrics(CollectorRegistry())
    handled = []

    async def handle(batch: list[Accepted[FollowCreated]]) -> None:
        handled.extend(batch)

    facts = [
        FollowCreated(version=5, follower_id=1, followee_id=2),
        FollowCreated(version=3, follower_id=3, followee_id=2),
        FollowCreated(version=5, follower_id=1, followee_id=2),
        FollowDeleted(version=4, follower_id=1, followee_id=2),
    ]
    counting = StaleVersions(metrics.stale_versions).counting(handle)
    await counting([Accepted(fact, 0) for fact in facts])

    assert len(handled) == 4
    assert (
        metrics.registry.get_sample_value("timeline_stale_versions_total", {"topic": "follows"})
        == 1
    )
