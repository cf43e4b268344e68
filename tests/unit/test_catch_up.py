"""What a catch-up asks of the store depends on how many batches it looks at, not on their posts."""

from collections import Counter
from typing import Any

import pytest

from schemas.ids import UserId
from services.readers import catch_up
from services.readers.catch_up import CatchUpReader
from services.readers.home import Home
from services.readers.reader import Reader
from services.retention import Retention
from services.stores import Stores
from tests.api.village import ALICE, BOB, CAROL, NOW, Village

A_BATCH = 9
"""Requests to stores for each batch; a store may split one by its own bound on keys."""
ELSE = 14
"""For the mark, the viewer's own posts, and the posts that are given."""


class Counted:
    """A store whose calls are counted."""

    def __init__(self, store: Any, calls: Counter[str]) -> None:
        self._store = store
        self._calls = calls

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if not callable(found):
            return found

        def call(*given: Any, **named: Any) -> Any:
            self._calls[name] += 1
            return found(*given, **named)

        return call


async def calls_for(village: Village) -> int:
    """How many calls a catch-up makes."""
    calls: Counter[str] = Counter()
    stores = Stores(*(Counted(store, calls) for store in village.stores))
    reader, retention = Reader(stores, lambda: NOW), Retention()
    found = await CatchUpReader(Home(reader, retention), reader, retention).read(UserId(BOB))
    assert found.conversations
    return calls.total()


async def test_each_batch_takes_a_few_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever wrote what, and whatever it answers or reposts."""
    village = Village()
    for followee in (ALICE, CAROL):
        await village.follows(BOB, followee)
    root = await village.post(ALICE, 90)
    for each in range(10):
        await village.reply(CAROL, root, 80 - each)
        await village.post(ALICE, 60 - each, repost_of=root)
        await village.reply(BOB, root, 40 - each)
    for at_once in (31, 16, 4, 1):
        monkeypatch.setattr(catch_up, "ENTRIES_AT_ONCE", at_once)
        batches = -(-31 // at_once)
        assert await calls_for(village) <= ELSE + A_BATCH * batches, at_once


async def test_more_posts_in_a_batch_take_no_more_requests() -> None:
    """Thirty as few as three."""
    village = Village()
    await village.follows(BOB, ALICE)
    for minute in range(3):
        await village.post(ALICE, 90 - minute)
    few = await calls_for(village)
    for minute in range(27):
        await village.post(ALICE, 60 - minute)
    root = await village.post(ALICE, 1)
    await village.reply(ALICE, root, 0.5)
    assert await calls_for(village) <= few
