"""Waiting ends when the thing is there, or when patience does."""

import asyncio

from services.api.wait_for import wait_until_arrived


async def test_it_looks_until_the_thing_is_there() -> None:
    """And no longer."""
    looks = iter([False, False, True])

    async def arrived() -> bool:
        return next(looks)

    await asyncio.wait_for(wait_until_arrived(arrived, max_wait_seconds=60), 10)
    assert next(looks, None) is None


async def test_patience_ends() -> None:
    """After a few looks, whatever came of them."""
    looks = 0

    async def arrived() -> bool:
        nonlocal looks
        looks += 1
        return False

    await asyncio.wait_for(wait_until_arrived(arrived, max_wait_seconds=0.05), 10)
    assert 2 <= looks <= 5
