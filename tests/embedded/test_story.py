"""The demo's story is made of valid messages, and what it promises is what the rules say."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from schemas.codec import decode
from schemas.errors import SchemaViolation
from schemas.ids import post_time
from streams.embedded.story import ALICE, NAMES, ExpectedPlace, Story, story
from streams.outbox import Outgoing
from tests.model import Model

NOW = 1_790_000_000_000
PEOPLE = ("author_id", "follower_id", "followee_id")


@pytest.fixture
def village() -> Story:
    return story(NOW)


def sent(village: Story) -> Iterator[Outgoing]:
    for scene in village.scenes:
        yield from scene.messages


def facts(village: Story) -> list[dict[str, Any]]:
    return [msgspec.json.decode(each.value or b"") for each in sent(village)]


def model(village: Story) -> Model:
    return Model([fact for fact in facts(village) if "post_id" in fact or "follower_id" in fact])


def test_every_message_but_one_is_valid(village: Story) -> None:
    """That one is refused for its missing id."""
    for message in sent(village):
        if message != village.poison:
            decode(message.topic, message.key, message.value, NOW)
    with pytest.raises(SchemaViolation) as refused:
        decode(village.poison.topic, village.poison.key, village.poison.value, NOW)
    assert (refused.value.field, refused.value.reason) == ("post_id", "missing")


def test_it_is_about_today_and_people_with_names(village: Story) -> None:
    """One post a moment, none older than a day."""
    created = [
        fact["post_id"]
        for fact in facts(village)
        if fact["type"].endswith(".created") and "post_id" in fact
    ]
    assert len(created) == len(set(created))
    assert all(NOW - 86_400_000 < post_time(each) < NOW for each in created)
    people = {fact[field] for fact in facts(village) for field in PEOPLE if field in fact}
    assert people == NAMES.keys()


def test_answers_are_sent_before_what_they_answer(village: Story) -> None:
    """The whole conversation is there before its root."""
    order = [fact.get("post_id") for fact in facts(village)]
    below = [place.post_id for place in village.thread if place.depth]
    assert order.index(village.root) > max(order.index(each) for each in below)


def test_the_home_it_promises_is_the_one_the_rules_give(village: Story) -> None:
    """The crier is gone, a stranger's post is there through carol, and one reply is hidden."""
    home = model(village).home(ALICE)
    assert village.reader == ALICE
    assert tuple(item["post_id"] for item in home) == village.home
    assert any(item["repost"] for item in home)
    assert any(item["edited"] for item in home)
    assert village.hidden not in village.home


def test_each_scene_shows_what_the_rules_show_of_it_so_far(village: Story) -> None:
    """Also halfway: replies to unknown posts are hidden, and appear with their parents."""
    log: list[dict[str, Any]] = []
    for scene in village.scenes:
        told = [msgspec.json.decode(each.value or b"") for each in scene.messages]
        log += [fact for fact in told if "post_id" in fact or "follower_id" in fact]
        assert len(Model(log).home(village.reader)) == scene.sees, scene.title


def test_the_thread_it_promises_is_the_one_the_rules_give(village: Story) -> None:
    """Every reply is in its place, the deleted one as a placeholder over its answer."""
    thread = model(village).thread(ALICE, village.root)
    assert thread is not None
    places = {ExpectedPlace(each["post_id"], each["depth"], each["placeholder"]) for each in thread}
    assert places == village.thread
    assert village.hidden in {place.post_id for place in places}
