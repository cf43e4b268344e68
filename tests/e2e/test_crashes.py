"""Nothing lost, nothing extra: workers die while they work, and what is shown is F(log)."""

import random
import signal
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from schemas.codec import Message
from schemas.events import (
    FollowCreated,
    FollowDeleted,
    PostCreated,
    PostDeleted,
    PostEdited,
    ReplyCreated,
)
from schemas.ids import post_id
from tests.e2e.comparison import compare_all
from tests.e2e.pipeline import Pipeline
from tests.model import Model

START = 1_420_000_000_000  # the last days of 2014; the pipeline keeps posts for ever
PEOPLE = 200
FOLLOWS = 3_000
POSTS = 4_000
SEED = 4
KILLS = 4

pytestmark = [pytest.mark.e2e, pytest.mark.proof, pytest.mark.timeout(1_200)]


def test_workers_killed_at_random(pipeline: Pipeline) -> None:
    """SIGKILL of either worker, four times under load: 0 missing, 0 extra."""
    chance = random.Random(SEED)
    log = list(village(chance))
    chance.shuffle(log)
    names = ["a", "b"]
    for name in names:
        pipeline.start_worker(name)
    busy = 0
    for kill in range(KILLS):
        pipeline.publish(log[kill::KILLS])
        handled = pipeline.committed()
        pipeline.until(lambda handled=handled: pipeline.committed() > handled)
        victim = chance.choice(names)
        assert pipeline.kill(victim) == -signal.SIGKILL
        busy += pipeline.lag_of_all() > 0
        pipeline.start_worker(victim)
    assert busy, "none died with anything to do"
    pipeline.drain(600)

    assert compare_all(pipeline.settings, Model([msgspec.to_builtins(each) for each in log])) > 0


def village(chance: random.Random) -> Iterator[Message]:
    """Follows, some of them ended and begun again; posts, replies, reposts, edits, deletions."""
    for number in range(FOLLOWS):
        edge = {"follower_id": chance.randint(1, PEOPLE), "followee_id": chance.randint(1, PEOPLE)}
        yield FollowCreated(version=number, **edge)
        if number % 5 == 0:
            yield FollowDeleted(version=number + chance.choice([-1, 0, 1]) + 1, **edge)
    written: list[int] = []
    for number in range(POSTS):
        time = START + number * 60_000
        said: dict[str, Any] = {
            "version": time * 1_000,
            "post_id": post_id(time, number),
            "author_id": chance.randint(1, PEOPLE),
            "text": f"the {number}th",
        }
        yield one_post(chance, said, written)
        own = {name: said[name] for name in ("post_id", "author_id")}
        if number % 7 == 0:
            yield PostEdited(version=said["version"] + 1, text=f"again the {number}th", **own)
        if number % 11 == 0:
            yield PostDeleted(version=said["version"] + 2, **own)
        written.append(said["post_id"])


def one_post(chance: random.Random, said: dict[str, Any], written: list[int]) -> Message:
    kind = chance.random()
    if not written or kind < 0.4:
        return PostCreated(**said)
    earlier = chance.choice(written[-50:])
    if kind < 0.8:
        return ReplyCreated(**said, parent_id=earlier)
    return PostCreated(**said, repost_of=earlier)
