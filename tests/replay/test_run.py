"""Replays into memory stores, from a broker in this process."""

import asyncio
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from schemas.events import FollowCreated, PostCreated
from schemas.ids import DAY_MS, UserId, post_id
from services.readers.home import Home
from services.readers.paging import PageRequest
from services.readers.reader import Reader
from services.retention import Retention
from services.stores import Stores
from streams.outbox import Outgoing
from streams.replay.planner import PlanRequest
from streams.replay.run import ReplayLimits
from streams.replay.selection import Selection
from tests.histories import NOW, Fact, log
from tests.model import Model
from tests.replay.conftest import Idle, Player, publish
from tests.shown import shown

ALICE, BOB, CAROL = 1, 2, 3
PEOPLE = (ALICE, BOB, CAROL)


def history(count: int = 60) -> list[Fact]:
    """Posts of three people who follow each other, but for bob, who does not follow carol."""
    pairs = [(a, b) for a in PEOPLE for b in PEOPLE if a != b and (a, b) != (BOB, CAROL)]
    facts: list[Fact] = [
        FollowCreated(version=NOW * 1_000, follower_id=a, followee_id=b) for a, b in pairs
    ]
    for number in range(count):
        time = NOW - DAY_MS + number * 1_000
        facts.append(
            PostCreated(
                version=time * 1_000, post_id=post_id(time, number),
                author_id=PEOPLE[number % 3], text=f"the {number}th",
            )
        )  # fmt: skip
    return Random(0).sample(facts, len(facts))


async def homes(stores: Stores) -> dict[int, list[dict[str, Any]]]:
    home = Home(Reader(stores, lambda: NOW), Retention(0))
    pages = {each: await home.page(UserId(each), PageRequest(limit=100)) for each in PEOPLE}
    return {each: [shown(item) for item in page.items] for each, page in pages.items()}


def expected_homes(facts: Sequence[Fact]) -> dict[int, list[dict[str, Any]]]:
    model = Model(log(facts), NOW)
    return {each: model.home(each) for each in PEOPLE}


async def test_a_log_is_replayed_into_empty_stores(bootstrap: str, player: Player) -> None:
    """What it shows is what the model says, and its progress was reported up to the end."""
    publish(bootstrap, facts := history())
    done = await player.run(await player.plan())
    assert (done.done, done.total) == (len(facts), len(facts))
    assert await homes(player.stores) == expected_homes(facts)


async def test_a_replay_that_is_done_has_nothing_left_to_do(bootstrap: str, player: Player) -> None:
    """It is run again, and reads nothing."""
    publish(bootstrap, history())
    plan = await player.plan()
    await player.run(plan)
    again = Player(bootstrap)
    assert (await again.run(plan)).is_over
    assert await homes(again.stores) == {each: [] for each in PEOPLE}


async def test_a_replay_that_was_stopped_goes_on(bootstrap: str, player: Player) -> None:
    """From what it had committed; two processes then share the rest."""
    publish(bootstrap, facts := history(300))
    plan = await player.plan()
    slow = ReplayLimits(rate=100)
    first = await player.run(plan, limits=slow, until=lambda state: state.progress.done > 0)
    assert 0 < first.done < first.total
    other = Player(bootstrap, player.stores)
    both = await asyncio.gather(player.run(plan), other.run(plan))
    assert all(each.is_over for each in both)
    assert await homes(player.stores) == {k: v[:100] for k, v in expected_homes(facts).items()}


async def test_live_traffic_goes_first(bootstrap: str, player: Player) -> None:
    """While live workers are behind nothing is read; the reason is reported."""
    publish(bootstrap, facts := history())
    waits = [True] * 3
    live = Idle(behind=lambda: bool(waits and waits.pop()))
    await player.run(await player.plan(), live=live, limits=ReplayLimits(live_lag=0.1))
    reasons = [state.waits for state in player.states if state.waits]
    assert reasons
    assert all(reason.startswith("live traffic") for reason in reasons)
    assert await homes(player.stores) == expected_homes(facts)


@pytest.mark.parametrize("author", [ALICE, BOB])
async def test_only_what_is_chosen_is_applied(bootstrap: str, player: Player, author: int) -> None:
    publish(bootstrap, facts := history())
    follows = [each for each in facts if isinstance(each, FollowCreated)]
    await player.run(await player.plan(PlanRequest(topics=("follows", "relations")), "edges"))
    await player.run(await player.plan(PlanRequest(choice=Selection(author=author)), "an-author"))
    theirs = [each for each in facts if getattr(each, "author_id", None) == author]
    assert await homes(player.stores) == expected_homes([*follows, *theirs])


async def test_what_cannot_be_decoded_is_skipped(bootstrap: str, player: Player) -> None:
    """It is a dead letter already, and becomes no second one."""
    publish(bootstrap, [*(facts := history()), Outgoing("posts", b"1", b"?")])
    done = await player.run(await player.plan())
    assert done.is_over
    assert not player.outbox.sent("posts-dlq")
    assert await homes(player.stores) == expected_homes(facts)
