"""The gate: how much is in flight at the store."""

import asyncio

import pytest

from services.storage.limiter import InFlightLimiter

LONG = 60.0
"""Seconds."""


async def test_lets_in_as_many_requests_as_it_has_places_for() -> None:
    gate = InFlightLimiter(requests=2, size=100)
    await gate.enter(1, LONG)
    await gate.enter(1, LONG)
    third = asyncio.create_task(gate.enter(1, LONG))
    await asyncio.sleep(0)
    assert (gate.inside, third.done()) == (2, False)
    gate.leave(1)
    await third
    assert gate.inside == 2


async def test_bounds_the_bytes_of_all_requests_together() -> None:
    gate = InFlightLimiter(requests=9, size=100)
    await gate.enter(60, LONG)
    large = asyncio.create_task(gate.enter(60, LONG))
    await asyncio.sleep(0)
    assert not large.done()
    gate.leave(60)
    await large


async def test_a_request_larger_than_everything_passes_alone() -> None:
    gate = InFlightLimiter(requests=9, size=100)
    await gate.enter(1_000, LONG)
    small = asyncio.create_task(gate.enter(1, LONG))
    await asyncio.sleep(0)
    assert not small.done()
    gate.leave(1_000)
    await small


async def test_a_small_request_does_not_overtake_a_large_one() -> None:
    """Else a steady stream of small ones would keep the large one out for ever."""
    gate = InFlightLimiter(requests=9, size=100)
    await gate.enter(60, LONG)
    large = asyncio.create_task(gate.enter(60, LONG))
    await asyncio.sleep(0)
    small = asyncio.create_task(gate.enter(1, LONG))
    await asyncio.sleep(0)
    assert not small.done()
    gate.leave(60)
    await asyncio.gather(large, small)


async def test_who_stops_waiting_makes_room_for_those_behind() -> None:
    gate = InFlightLimiter(requests=9, size=100)
    await gate.enter(60, LONG)
    large = asyncio.create_task(gate.enter(60, LONG))
    await asyncio.sleep(0)
    small = asyncio.create_task(gate.enter(1, LONG))
    await asyncio.sleep(0)
    large.cancel()
    await small
    with pytest.raises(asyncio.CancelledError):
        await large
    assert gate.inside == 2


async def test_who_is_let_in_and_cancelled_at_once_gives_its_place_back() -> None:
    gate = InFlightLimiter(requests=1, size=100)
    await gate.enter(1, LONG)
    waiting = asyncio.create_task(gate.enter(1, LONG))
    await asyncio.sleep(0)
    gate.leave(1)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert gate.inside == 0


async def test_who_is_not_let_in_in_time_makes_room_for_those_behind() -> None:
    gate = InFlightLimiter(requests=9, size=100)
    await gate.enter(60, LONG)
    large = asyncio.create_task(gate.enter(60, 0.0))
    await asyncio.sleep(0)
    small = asyncio.create_task(gate.enter(1, LONG))
    assert await large is False
    assert await small is True
    assert gate.inside == 2
