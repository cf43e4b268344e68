"""`mingle erase` on real servers, and a replay of the log after it."""

import asyncio
import json
import time

import pytest

from schemas.codec import Message, encode
from schemas.events import FollowCreated, PostCreated, ReplyCreated
from schemas.ids import post_id
from schemas.relations import AccountErased, KeywordMuteCreated
from streams.outbox import Outgoing
from tests.dead_letters.fakes import written
from tests.e2e.pipeline import Pipeline, Record
from tests.e2e.replays import Replays
from tests.streams.fakes import FakeRecord

pytestmark = pytest.mark.e2e

ALICE, BOB, CAROL = 7_000_001, 7_000_002, 7_000_003
TIME = 1_420_000_000_000
DRAIN_SECONDS = 120.0
SAID: list[Message] = [
    *(
        PostCreated(
            version=TIME * 1_000, post_id=post_id(TIME, place), author_id=ALICE, text="zeugma"
        )
        for place in range(20)
    ),
    FollowCreated(version=TIME * 1_000, follower_id=BOB, followee_id=ALICE),
    FollowCreated(version=TIME * 1_000, follower_id=ALICE, followee_id=BOB),
    KeywordMuteCreated(version=TIME * 1_000, owner_id=ALICE, keyword_id=1, phrase="zeugma"),
]


def test_an_account_is_erased_and_stays_so(pipeline: Pipeline, record: Record) -> None:
    """It is asked for, done within seconds, proven in every table; the log is told, topic by topic.

    What comes again afterwards brings nothing back.
    """
    pipeline.start_worker("a")
    pipeline.publish(SAID)
    pipeline.drain(DRAIN_SECONDS)
    before = json.loads(pipeline.failing("erase", str(ALICE), "--check", "--scan", "--json"))
    assert before["remains"]["posts with words"] == 20
    assert before["remains"]["followers.followee_id"] == 1
    began = time.monotonic()
    proof = json.loads(pipeline.mingle("erase", str(ALICE), "--scan", "--json"))
    seconds = time.monotonic() - began
    assert (proof["erased"], proof["remains"]) == (True, {})
    log = {each["topic"]: each for each in proof["log"]}
    assert log["posts"]["until"] is None
    assert log["posts-dlq"]["until"] > proof["asked_at"] + 30 * 86_400_000
    pipeline.publish(SAID)
    pipeline.drain(DRAIN_SECONDS)
    assert json.loads(pipeline.mingle("erase", str(ALICE), "--check", "--scan", "--json"))["erased"]
    assert "nothing is left" in pipeline.mingle("erase", str(ALICE), "--check")
    record("an erasure", seconds_to_erase=round(seconds, 1))


def letter_of(message: Message) -> Outgoing:
    """The dead letter of a message that could be handled by now."""
    topic, key, value = encode(message)
    return asyncio.run(written(FakeRecord(0, value, key), topic))


def test_a_redrive_brings_nothing_of_an_erased_account_back(pipeline: Pipeline) -> None:
    """Carol's post, redriven at the same time, is there: the redrive did bring what it may."""
    pipeline.start_worker("a")
    pipeline.publish([*SAID, AccountErased(version=TIME * 1_000, owner_id=ALICE)])
    pipeline.drain(DRAIN_SECONDS)
    pipeline.mingle("erase", str(ALICE), "--json")
    late = [
        PostCreated(
            version=TIME * 1_000, post_id=post_id(TIME, place), author_id=author, text="late"
        )
        for place, author in enumerate((ALICE, CAROL), 200)
    ]
    follow = FollowCreated(version=TIME * 1_000, follower_id=CAROL, followee_id=ALICE)
    pipeline.publish(map(letter_of, [*late, *SAID, follow]))
    redriven = pipeline.mingle("dead-letters", "redrive", "--apply")
    assert f"{len(late) + len(SAID) + 1} dead letters redriven" in redriven
    pipeline.drain(DRAIN_SECONDS)
    proof = json.loads(pipeline.mingle("erase", str(ALICE), "--check", "--scan", "--json"))
    assert (proof["erased"], proof["remains"]) == (True, {})
    carol = json.loads(pipeline.failing("erase", str(CAROL), "--check", "--scan", "--json"))
    assert carol["remains"]["posts with words"] == 1


def test_a_replay_into_an_empty_store_obeys_an_erasure(pipeline: Pipeline) -> None:
    """No worker runs: it is done when the replay is over, and the log in memory shows the same.

    Carol's answer to alice, whom bob does not follow any more, is not in his home.
    """
    answer = ReplyCreated(
        version=TIME * 1_000,
        post_id=post_id(TIME, 100),
        author_id=CAROL,
        parent_id=post_id(TIME, 1),
        text="answer",
    )
    follows = FollowCreated(version=TIME * 1_000, follower_id=BOB, followee_id=CAROL)
    erased = AccountErased(version=TIME * 1_000, owner_id=ALICE)
    pipeline.publish([erased, *SAID, answer, follows])
    replays = Replays(pipeline)
    path, _ = replays.plan()
    assert replays.run(path, "--live-lag", "0")["over"]
    assert json.loads(pipeline.mingle("erase", str(ALICE), "--check", "--scan", "--json"))["erased"]
    assert json.loads(pipeline.mingle("replay", "verify", path, "--fully", "--json"))["compared"]
