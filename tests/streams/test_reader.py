"""What is read by waiting does not hold up the loop."""

import asyncio
from collections.abc import Iterator
from threading import Event

import pytest

from streams.kafka.reader import in_batches


async def test_the_loop_goes_on_while_a_batch_is_waited_for() -> None:
    """The second message comes only after the loop has done something."""
    loop_went_on = Event()

    def messages() -> Iterator[int]:
        yield 1
        assert loop_went_on.wait(10)
        yield 2

    asyncio.get_running_loop().call_soon(loop_went_on.set)
    assert [batch async for batch in in_batches(messages(), 2)] == [[1, 2]]


async def test_batches_hold_all_in_their_order() -> None:
    """The last one may be smaller, and none is empty."""
    assert [batch async for batch in in_batches(range(5), 2)] == [[0, 1], [2, 3], [4]]
    assert [batch async for batch in in_batches(range(4), 2)] == [[0, 1], [2, 3]]
    assert [batch async for batch in in_batches(list[int]())] == []


async def test_what_reading_raises_is_raised() -> None:
    """After the batches that were whole before."""

    def messages() -> Iterator[int]:
        yield 1
        raise ValueError("no more")

    batches = in_batches(messages(), 1)
    assert await anext(batches) == [1]
    with pytest.raises(ValueError, match="no more"):
        await anext(batches)
