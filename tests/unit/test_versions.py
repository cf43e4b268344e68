"""Versions that step back are counted, by the topic they came on."""

from prometheus_client import CollectorRegistry

from schemas.events import (
    FollowCreated,
    FollowDeleted,
    FollowFact,
    PostCreated,
    PostFact,
    QuoteDetached,
)
from schemas.ids import UserId
from schemas.relations import (
    BlockCreated,
    ListCreated,
    ListMemberAdded,
    MuteCreated,
    MuteDeleted,
    RelationFact,
)
from services.erasures.memory import MemoryErasures
from services.handlers.handler import Accepted, Handler
from services.handlers.relations import RecordRelations
from services.handlers.stale_versions import StaleVersions
from services.metrics.metrics import Metrics
from services.relations.memory import MemoryRelations
from services.relations.relations import Mute, Relationship


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
    counting: Handler[FollowFact] = StaleVersions(metrics.stale_versions).wrap(handle)
    await counting([Accepted(fact, 0) for fact in facts])

    assert len(handled) == 4
    assert (
        metrics.registry.get_sample_value("timeline_stale_versions_total", {"topic": "follows"})
        == 1
    )


async def test_a_detachment_is_no_step_back_of_the_quote() -> None:
    """Others say it, with versions of their own."""
    metrics = Metrics(CollectorRegistry())

    async def handle(_: object) -> None:
        pass

    facts: list[PostFact] = [
        PostCreated(version=5, post_id=9, author_id=1, quote_of=8),
        QuoteDetached(version=3, post_id=9, author_id=2),
        QuoteDetached(version=4, post_id=9, author_id=3),
        QuoteDetached(version=2, post_id=9, author_id=2),
    ]
    counting: Handler[PostFact] = StaleVersions(metrics.stale_versions).wrap(handle)
    await counting([Accepted(fact, 0) for fact in facts])
    stale = metrics.registry.get_sample_value("timeline_stale_versions_total", {"topic": "posts"})
    assert stale == 1


async def test_a_relation_steps_back_by_itself() -> None:
    """Alice's mute of bob is stale once; her block of him and her lists are other things."""
    metrics = Metrics(CollectorRegistry())
    relations = MemoryRelations()
    facts: list[RelationFact] = [
        MuteCreated(version=5, owner_id=1, target_id=2),
        BlockCreated(version=4, owner_id=1, target_id=2),
        ListCreated(version=3, owner_id=1, list_id=2),
        ListMemberAdded(version=2, owner_id=1, list_id=2, member_id=3),
        MuteDeleted(version=4, owner_id=1, target_id=2),
    ]
    counting = StaleVersions(metrics.stale_versions).wrap(
        RecordRelations(relations, MemoryErasures())
    )
    await counting([Accepted(fact, 0) for fact in facts])

    stale = metrics.registry.get_sample_value(
        "timeline_stale_versions_total", {"topic": "relations"}
    )
    assert stale == 1
    bob = (await relations.about(UserId(1), [UserId(2)])).to(UserId(2))
    assert bob == Relationship(blocks=True, mute=Mute())
