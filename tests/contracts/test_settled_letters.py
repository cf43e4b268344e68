"""The contract of `streams.dead_letters.store`."""

import itertools
from collections.abc import AsyncIterator

import pytest
from prometheus_client import CollectorRegistry

from services.metrics.metrics import Metrics
from services.settings.settings import Settings
from services.storage.session import connect
from streams.dead_letters.cassandra import CassandraResolutions
from streams.dead_letters.memory import MemoryResolutions
from streams.dead_letters.store import DeadLetterResolutions
from streams.dead_letters.stored import DeadLetterId, DeadLetterKey

WRITTEN_AT = 1_760_000_000_000

_numbers = itertools.count()


@pytest.fixture
def number() -> int:
    """A partition that no other test uses."""
    return next(_numbers)


@pytest.fixture(params=["memory", pytest.param("cassandra", marks=pytest.mark.integration)])
async def resolutions(request: pytest.FixtureRequest) -> AsyncIterator[DeadLetterResolutions]:
    if request.param == "memory":
        yield MemoryResolutions()
        return
    settings: Settings = request.getfixturevalue("usual_keyspace")
    store = await connect(settings, Metrics(CollectorRegistry()))
    yield CassandraResolutions(store)
    await store.close()


def place(number: int, offset: int, written_at: int = WRITTEN_AT) -> DeadLetterKey:
    return DeadLetterKey(DeadLetterId("posts-dlq", number, offset), written_at)


async def test_what_is_settled_is_known(resolutions: DeadLetterResolutions, number: int) -> None:
    """Of those that are asked for, in several partitions and topics at once."""
    other = DeadLetterKey(DeadLetterId("follows-dlq", number, 3), WRITTEN_AT)
    await resolutions.record([place(number, 1), place(number, 2), other], "redriven")
    await resolutions.record([place(number, 4)], "dropped")
    asked = [place(number, offset) for offset in (0, 1, 3, 4)]
    assert await resolutions.load([*asked, other]) == {
        place(number, 1): "redriven",
        place(number, 4): "dropped",
        other: "redriven",
    }


async def test_of_no_letters_none_is_settled(resolutions: DeadLetterResolutions) -> None:
    """And settling none is nothing."""
    await resolutions.record([], "dropped")
    assert await resolutions.load([]) == {}


@pytest.mark.parametrize("order", [("dropped", "redriven"), ("redriven", "dropped")])
async def test_what_was_redriven_stays_so(
    resolutions: DeadLetterResolutions, number: int, order: tuple[str, str]
) -> None:
    """Whatever order the two are written in, and how often."""
    for how in order * 2:
        await resolutions.record([place(number, 1)], how)
    assert await resolutions.load([place(number, 1)]) == {place(number, 1): "redriven"}


async def test_a_topic_made_anew_has_new_letters(
    resolutions: DeadLetterResolutions, number: int
) -> None:
    """The same offset, another time: another dead letter."""
    await resolutions.record([place(number, 1)], "redriven")
    assert await resolutions.load([place(number, 1, WRITTEN_AT + 1)]) == {}
