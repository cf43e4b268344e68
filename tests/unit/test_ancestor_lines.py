"""A walk below a late parent misses nobody, wherever it breaks off and is begun again."""

from random import Random
from typing import Any

import pytest

from schemas.ids import UserId
from services.errors import StoreUnavailable
from services.readers.paging import PageRequest
from tests.cases.told import (
    ALICE,
    BOB,
    CAROL,
    DAVE,
    FIFTH,
    FIRST,
    FOURTH,
    SECOND,
    THIRD,
    post,
    reply,
)
from tests.properties.world import World

ROOT = post(FIRST, ALICE)
LINE = (reply(SECOND, BOB, FIRST), reply(THIRD, CAROL, SECOND), reply(FOURTH, DAVE, THIRD))
ANSWER = reply(FIFTH, ALICE, FOURTH)
MOST_STEPS = 100


class Steps:
    """Counts the calls of all ports, and fails one of them, before or after it took effect."""

    def __init__(self) -> None:
        self.left: int | None = None
        self.early = True

    def before(self, port: Any) -> Any:
        return _Failing(port, self)

    def fails(self, *, early: bool) -> None:
        if self.left is None or early is not self.early:
            return
        self.left -= 1
        if self.left == 0:
            self.left = None
            raise StoreUnavailable("for the test")


class _Failing:
    def __init__(self, port: Any, steps: Steps) -> None:
        self._port, self._steps = port, steps

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)

        async def called(*given: Any, **named: Any) -> Any:
            self._steps.fails(early=True)
            answer = await method(*given, **named)
            self._steps.fails(early=False)
            return answer

        return called


async def told(world: World, viewer: int) -> list[tuple[int, str | None]]:
    items = (await world.mentions.page(UserId(viewer), PageRequest(100))).items
    return [(item.post_id, item.why) for item in items]


async def waiting(world: World, viewer: int) -> list[int]:
    items = (await world.unanswered.page(UserId(viewer), PageRequest(100))).items
    return [item.post_id for item in items]


@pytest.mark.parametrize("early", [True, False])
async def test_a_walk_that_broke_off_is_resumed(*, early: bool) -> None:
    """Alice's root comes last; its worker fails at each of its steps in turn and does it again."""
    for step in range(1, MOST_STEPS):
        steps = Steps()
        world = World(between=steps.before)
        await world.deliver((*LINE, ANSWER), Random(0))
        steps.left, steps.early = step, early
        try:
            await world.handle([ROOT], "ingest")
        except StoreUnavailable:
            await world.handle([ROOT], "ingest")
        else:
            break
        assert await told(world, ALICE) == [(FOURTH, "line"), (THIRD, "line"), (SECOND, "reply")]
        assert await waiting(world, ALICE) == [], step
    assert 5 < step < MOST_STEPS - 1


async def test_who_turns_out_to_own_a_post_learns_of_its_line() -> None:
    """Carol's claim came first; alice's, of a lower version, has the same place in every hint."""
    world = World()
    claim = post(FIRST, CAROL, version=ROOT.version + 1)
    for each in (claim, LINE[0], LINE[1], ROOT):
        await world.handle([each], "ingest")
    assert await told(world, ALICE) == [(THIRD, "line"), (SECOND, "reply")]
