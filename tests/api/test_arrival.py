"""Waiting ends when something has arrived, or at the time limit."""

import asyncio

from services.api.wait_for import wait_until_arrived


async def test_it_checks_until_the_thing_is_there() -> None:
    """It stops checking then."""
    looks = iter([False, False, True])

    async def arrived() -> bool:
        return next(looks)

    await asyncio.wait_for(wait_until_arrived(arrived, max_wait_seconds=60), 10)
    assert next(looks, None) is None


async def test_waiting_ends_at_the_limit() -> None:
    """It returns after a few checks, whatever their result."""
    looks = 0

    async def arrived() -> bool:
        nonlocal looks
        looks += 1
        return False

    await asyncio.wait_for(wait_until_arrived(arrived, max_wait_seconds=0.05), 10)
    assert 2 <= looks <= 5
