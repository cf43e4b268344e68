"""What a plan says, refuses and knows to be lost."""

import asyncio
from collections.abc import Collection, Iterator

import msgspec
import pytest
from msgspec.structs import replace

from schemas import topics
from schemas.codec import encode
from schemas.events import FollowCreated, PostCreated, PostDeleted, ReplyCreated
from schemas.ids import UserId
from services.settings.brokers import Brokers
from streams.embedded.mock_broker import MockBroker
from streams.kafka.publisher import Publisher
from streams.kafka.reader import TopicReader
from streams.outbox import Outgoing
from streams.records import OffsetRange
from streams.replay.plan import (
    Lost,
    Plan,
    PlanRefused,
    Source,
    check_topics,
    losses_since,
    parse_plan,
    render_plan,
)
from streams.replay.planner import PlanRequest, RequestedPart, make_plan
from streams.replay.selection import Conversation, Selection

PARTITIONS = 2
EPOCH = 0
ALICE, BOB, CAROL = 1, 2, 3
ACCEPTED = 1_000_000
DAY = 86_400_000
ORDER = ("follows", "relations", "posts", "replies")
ALL_POSTS = (RequestedPart("posts", 0), RequestedPart("posts", 1))
FACTS = [
    FollowCreated(version=1, follower_id=BOB, followee_id=ALICE),
    PostCreated(version=ACCEPTED * 1_000, post_id=ACCEPTED << 22, author_id=ALICE),
    PostCreated(version=ACCEPTED * 1_000, post_id=(ACCEPTED << 22) + 1, author_id=BOB),
    ReplyCreated(
        version=ACCEPTED * 1_000, post_id=(ACCEPTED << 22) + 2, author_id=CAROL,
        parent_id=ACCEPTED << 22,
    ),
    PostDeleted(version=2, post_id=(ACCEPTED << 22) + 1, author_id=BOB),
]  # fmt: skip
"""A day between any two of them."""


@pytest.fixture(scope="module")
def bootstrap() -> Iterator[str]:
    with MockBroker() as broker:
        for name in topics.load_topics():
            broker.create_topic(name, PARTITIONS)
        with Publisher(Brokers(broker.bootstrap)) as publisher:
            for day, fact in enumerate(FACTS):
                publisher.send(Outgoing(*encode(fact), timestamp=ACCEPTED + day * DAY))
            publisher.send(Outgoing("posts", b"1", b"not a message", timestamp=ACCEPTED))
        yield broker.bootstrap


async def followers(authors: Collection[UserId]) -> dict[UserId, int]:
    return {author: 10 for author in authors if author == ALICE}


def planned(bootstrap: str, asked: PlanRequest, into: str = "live") -> Plan:
    async def work() -> Plan:
        with TopicReader(Brokers(bootstrap)) as reader:
            return await make_plan(
                asked, reader, followers, name="n", made_at=0, epoch=EPOCH, into=into
            )

    return asyncio.run(work())


def test_a_plan_of_all_counts_events_and_deliveries(bootstrap: str) -> None:
    """A post is delivered to its author and to each of his followers."""
    plan = planned(bootstrap, PlanRequest())
    assert (plan.events, plan.chosen, plan.deliveries) == (6, 5, 11 + 1 + 1)
    assert plan.edges_first
    assert not plan.lost
    order = [each.topic for each in plan.sources]
    assert order == [each for each in ORDER for _ in range(PARTITIONS)]
    assert parse_plan(render_plan(plan)) == plan


@pytest.mark.parametrize(
    ("asked", "chosen"),
    [
        (PlanRequest(choice=Selection(author=BOB)), 2),
        (PlanRequest(choice=Selection(user=BOB)), 3),
        (PlanRequest(choice=Selection(conversation=(ACCEPTED << 22) + 2)), 2),
        (PlanRequest(topics=("posts", "replies")), 4),
        (PlanRequest(parts=(*ALL_POSTS, RequestedPart("replies", 0, 0, 0))), 3),
        (
            PlanRequest(
                parts=(
                    RequestedPart("posts", 0, 0, 0),
                    RequestedPart("replies", 0),
                    RequestedPart("replies", 1),
                )
            ),
            1,
        ),
    ],
)
def test_a_plan_takes_what_was_asked_for(bootstrap: str, asked: PlanRequest, chosen: int) -> None:
    """An author, a user, a conversation, times, topics, partitions, offsets."""
    plan = planned(bootstrap, asked)
    assert plan.chosen == chosen
    assert not plan.edges_first


@pytest.mark.parametrize("named", [["follows"], ["posts"], ["replies"], ["posts", "follows"]])
def test_a_plan_without_a_topic_that_it_depends_on_is_refused(named: list[str]) -> None:
    """The refusal names the option and the topic."""
    with pytest.raises(PlanRefused, match=r"--topic: .* add --topic (relations|replies|posts)"):
        check_topics(named)


@pytest.mark.parametrize(
    "asked",
    [
        PlanRequest(choice=Selection(author=BOB)),
        PlanRequest(topics=("follows",)),
        PlanRequest(parts=ALL_POSTS),
    ],
)
def test_a_new_generation_takes_the_whole_log(bootstrap: str, asked: PlanRequest) -> None:
    """It holds nothing yet, so a part of the log would leave homes without the rest."""
    assert planned(bootstrap, PlanRequest(), "second").into == "second"
    with pytest.raises(PlanRefused, match=r"--into: .* expected all of the log"):
        planned(bootstrap, asked, "second")


def test_topics_that_need_no_other_are_planned_alone() -> None:
    check_topics(["relations"])
    check_topics(["follows", "relations"])


def test_a_choice_that_is_in_no_such_topic_is_refused(bootstrap: str) -> None:
    with pytest.raises(PlanRefused, match="--topic"):
        planned(
            bootstrap, PlanRequest(topics=("follows", "relations"), choice=Selection(author=ALICE))
        )


def test_a_partition_that_is_not_there_is_refused(bootstrap: str) -> None:
    with pytest.raises(PlanRefused, match="--part: posts has no partition 9"):
        planned(
            bootstrap, PlanRequest(parts=(RequestedPart("posts", 9), RequestedPart("replies", 0)))
        )


def test_what_the_log_let_go_of_is_lost() -> None:
    """Since the plan was made, or with a topic that is gone."""
    sources = (Source("posts", 0, 5, 10), Source("posts", 1, 0, 4), Source("replies", 0, 0, 2))
    plan = Plan(name="n", made_at=0, sources=sources)
    spans = [OffsetRange("posts", 0, 7, 12), OffsetRange("posts", 1, 0, 9)]
    assert losses_since(plan, spans) == (Lost("posts", 0, 7), Lost("replies", 0, 2))
    assert str(Lost("posts", 0, 7)) == "posts:0 begins at offset 7"


def test_a_plan_that_lacks_anything_brings_back_follows_by_themselves(bootstrap: str) -> None:
    """Only where every post is replayed after every edge may what a follow asks for fall."""
    plan = planned(bootstrap, PlanRequest())
    assert plan.edges_first
    assert not replace(plan, lost=(Lost("posts", 0, 1),)).edges_first


@pytest.mark.parametrize(
    "asked",
    [
        PlanRequest(since=ACCEPTED),
        PlanRequest(until=ACCEPTED + 9 * DAY),
        PlanRequest(topics=("posts", "replies")),
        PlanRequest(choice=Selection(user=ALICE)),
        PlanRequest(parts=ALL_POSTS),
        PlanRequest(dead_letters=True),
    ],
)
def test_what_leaves_anything_out_is_no_whole_log(asked: PlanRequest) -> None:
    """Its posts end where the plan says, and follows ask for theirs."""
    assert not asked.is_all
    assert PlanRequest(topics=ORDER).is_all


def test_what_is_no_plan_is_refused() -> None:
    for text in (b"", b"{}", b'{"name":"n","made_at":0,"sources":[],"more":1}'):
        with pytest.raises(PlanRefused, match="not a plan"):
            parse_plan(text)


def test_a_plan_that_was_edited_is_refused() -> None:
    """Whatever was changed; another layout of the same is no edit."""
    plan = Plan(name="n", made_at=1, into="b", sources=(Source("posts", 0, 2, 5),), whole=True)
    written = msgspec.json.decode(render_plan(plan))
    assert parse_plan(msgspec.json.encode(dict(reversed(written.items())))) == plan
    source = written["sources"][0]
    edits: list[dict[str, object]] = [
        {"name": "m"}, {"into": "live"}, {"since": 3}, {"sources": [source | {"first": 3}]},
        {"digest": "0" * 64},
    ]  # fmt: skip
    for edit in edits:
        with pytest.raises(PlanRefused, match=r"edited.*plan again"):
            parse_plan(msgspec.json.encode(written | edit))
    del written["digest"]
    with pytest.raises(PlanRefused, match=r"earlier releases.*plan again"):
        parse_plan(msgspec.json.encode(written))


def test_a_conversation_grows_whatever_the_order() -> None:
    """By parents and claimed roots, over posts that nobody wrote; another one stays apart."""
    facts = [
        ReplyCreated(version=1, post_id=5, author_id=1, parent_id=4, root_id=1),
        ReplyCreated(version=1, post_id=6, author_id=1, parent_id=5),
        ReplyCreated(version=1, post_id=9, author_id=1, parent_id=8),
    ]
    for order in (facts, facts[::-1]):
        found = Conversation(1)
        for fact in order:
            found.add(fact)
        assert found.posts() == {1, 4, 5, 6}
