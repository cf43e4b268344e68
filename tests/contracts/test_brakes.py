"""The contract of `streams.delivery.brake.store`."""

import itertools
from collections.abc import AsyncIterator

import pytest
from prometheus_client import CollectorRegistry

from services.metrics.metrics import Metrics
from services.settings.settings import Settings
from services.storage.session import connect
from streams.delivery.brake.cassandra import CassandraBrakes
from streams.delivery.brake.memory import MemoryBrakes
from streams.delivery.brake.store import BrakeState, BrakeStore, Engagement

ROW = Engagement(100, "row", 500, 500)
SHARE = Engagement(200, "share", 101, 10_000)

_topics = itertools.count()


@pytest.fixture
def topic() -> str:
    """One that no other test uses."""
    return f"posts-{next(_topics)}"


@pytest.fixture(params=["memory", pytest.param("cassandra", marks=pytest.mark.integration)])
async def brakes(request: pytest.FixtureRequest) -> AsyncIterator[BrakeStore]:
    if request.param == "memory":
        yield MemoryBrakes()
        return
    settings: Settings = request.getfixturevalue("usual_keyspace")
    store = await connect(settings, Metrics(CollectorRegistry()))
    yield CassandraBrakes(store)
    await store.close()


async def state(brakes: BrakeStore, topic: str) -> BrakeState:
    return (await brakes.load([topic]))[topic]


async def test_nothing_is_braked_at_first(brakes: BrakeStore, topic: str) -> None:
    """Every topic that is asked for is answered."""
    assert await brakes.load([topic, "follows-0"]) == {
        topic: BrakeState(),
        "follows-0": BrakeState(),
    }
    assert not BrakeState().is_on


async def test_an_engagement_says_why(brakes: BrakeStore, topic: str) -> None:
    """And again is no other."""
    await brakes.engage(topic, ROW)
    await brakes.engage(topic, ROW)
    found = await state(brakes, topic)
    assert found == BrakeState(ROW, 0)
    assert found.is_on


async def test_the_highest_engagement_is_kept(brakes: BrakeStore, topic: str) -> None:
    """Whole, in whatever order they are written."""
    await brakes.engage(topic, SHARE)
    await brakes.engage(topic, ROW)
    assert await state(brakes, topic) == BrakeState(SHARE, 0)


async def test_a_release_is_of_what_was_seen(brakes: BrakeStore, topic: str) -> None:
    """What was engaged since stays engaged, and a lower release changes nothing."""
    await brakes.engage(topic, ROW)
    await brakes.release(topic, ROW.number)
    assert not (await state(brakes, topic)).is_on
    await brakes.engage(topic, SHARE)
    await brakes.release(topic, ROW.number)
    assert (await state(brakes, topic)).is_on
    await brakes.release(topic, SHARE.number)
    await brakes.release(topic, ROW.number)
    assert await state(brakes, topic) == BrakeState(SHARE, SHARE.number)


async def test_a_release_may_come_first(brakes: BrakeStore, topic: str) -> None:
    """An engagement that is written late, by a worker that was frozen, brakes nothing."""
    await brakes.release(topic, SHARE.number)
    await brakes.engage(topic, ROW)
    assert not (await state(brakes, topic)).is_on


async def test_a_release_says_what_it_tolerates(brakes: BrakeStore, topic: str) -> None:
    """The highest release; of two at one moment the larger."""
    await brakes.release(topic, SHARE.number, tolerated=7)
    await brakes.release(topic, ROW.number, tolerated=4_000)
    await brakes.release(topic, SHARE.number)
    assert await state(brakes, topic) == BrakeState(None, SHARE.number, 7)
    await brakes.release(topic, SHARE.number + 1)
    assert await state(brakes, topic) == BrakeState(None, SHARE.number + 1, 0)


async def test_of_two_at_one_moment_one_is_told(brakes: BrakeStore, topic: str) -> None:
    """Field by field the larger, on every replica alike."""
    await brakes.engage(topic, Engagement(300, "share", 11, 1_000))
    await brakes.engage(topic, Engagement(300, "row", 500, 500))
    assert await state(brakes, topic) == BrakeState(Engagement(300, "share", 500, 1_000), 0)


async def test_topics_have_brakes_of_their_own(brakes: BrakeStore, topic: str) -> None:
    """One that is braked says nothing of another."""
    await brakes.engage(topic, ROW)
    assert await state(brakes, f"{topic}-other") == BrakeState()
