"""What a read writes down, and in which order a returning reader is brought back."""

import asyncio
from collections.abc import Collection
from typing import Any

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from schemas.ids import DAY_MS, IdArray, UserId
from services.activity.memory import MemoryActivity
from services.activity.store import Activity, ActivityKind
from services.errors import StoreUnavailable
from services.metrics.metrics import Metrics
from services.readers import returning
from services.readers.home import Home
from services.readers.paging import PageRequest
from services.readers.reader import Reader
from services.readers.returning import SETTLE_SECONDS, ReturningUsers
from services.retention import Retention
from streams.bootstrap import memory_stores

TODAY = 20_000
ALICE, BOB = UserId(1), UserId(2)


class Told(MemoryActivity):
    """That knows what it was asked, and fails where it is told to."""

    def __init__(self, journal: list[Any]) -> None:
        super().__init__()
        self.journal = journal
        self.fails: set[str] = set()

    async def raise_numbers(self, kind: ActivityKind, users: IdArray, numbers: IdArray) -> None:
        self._answer(kind.name)
        await super().raise_numbers(kind, users, numbers)

    async def load(self, user: UserId) -> Activity:
        self._answer("of")
        return await super().load(user)

    def _answer(self, name: str) -> None:
        self.journal.append(name)
        if name in self.fails:
            raise StoreUnavailable(name)


class Api:
    """One process of it; `settled` ends its wait."""

    def __init__(self) -> None:
        self.today = TODAY
        self.journal: list[Any] = []
        self.activity = Told(self.journal)
        self.settled = asyncio.Event()
        self.metrics = Metrics(CollectorRegistry())
        reader = Reader(memory_stores(), self.clock)
        self.homes = ReturningUsers(
            Home(reader, Retention()),
            self.activity,
            self._rebuild,
            self.metrics,
            self.clock,
            wait=self._wait,
        )

    def clock(self) -> int:
        return self.today * DAY_MS

    async def reads(self, user: UserId = ALICE) -> str:
        """What his page says of itself, and whatever can go on has gone on."""
        page = await self.homes.page(user, PageRequest())
        await self.goes_on()
        return "building" if page.building else "ready"

    async def goes_on(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)

    async def sleeps(self, user: UserId = ALICE, sleep: int = 1) -> None:
        await MemoryActivity.raise_numbers(
            self.activity, ActivityKind.DORMANT, np.array([user]), np.array([sleep])
        )

    def told(self) -> list[Any]:
        """What was asked since this was called last."""
        told = list(self.journal)
        self.journal.clear()
        return told

    async def _rebuild(self, users: Collection[UserId]) -> None:
        self.journal.append(("rebuild", *users))

    async def _wait(self, seconds: float) -> None:
        self.journal.append(("wait", seconds))
        await self.settled.wait()


async def test_a_reader_is_noted_once_a_day() -> None:
    """First that he reads is written, then it is asked whether he sleeps; no more that day."""
    api = Api()
    assert await api.reads() == "ready"
    assert api.told() == ["SEEN", "of"]
    assert await api.reads() == "ready"
    assert api.told() == []
    api.today += 1
    assert await api.reads() == "ready"
    assert api.told() == ["SEEN", "of"]
    assert (await api.activity.load(ALICE)).seen == TODAY + 1


async def test_a_note_that_fails_fails_no_read() -> None:
    """The next read tries again."""
    api = Api()
    api.activity.fails = {"SEEN"}
    assert await api.reads() == "ready"
    assert await api.reads() == "ready"
    assert api.told() == ["SEEN", "of"] * 2


async def test_where_it_is_not_known_whether_he_sleeps_there_is_no_page() -> None:
    """One that said nothing might lack entries."""
    api = Api()
    api.activity.fails = {"of"}
    with pytest.raises(StoreUnavailable):
        await api.reads()


async def test_who_returns_is_awake_before_his_home_is_written() -> None:
    """Then again when no worker knows him asleep; until that is over his pages say so."""
    api = Api()
    await api.sleeps()
    assert await api.reads() == "building"
    wait = ("wait", SETTLE_SECONDS)
    assert api.told() == ["SEEN", "of", "AWAKE", ("rebuild", ALICE), wait]
    assert api.metrics.homes_returning._value.get() == 1
    assert await api.reads() == "building"
    assert api.told() == ["SEEN", "of"]
    api.settled.set()
    await api.goes_on()
    assert api.told() == [("rebuild", ALICE), "REBUILT"]
    assert await api.reads() == "ready"
    assert await api.activity.load(ALICE) == Activity(TODAY, 1, 1, 1)
    assert api.metrics.homes_returning._value.get() == 0


async def test_who_is_put_to_sleep_meanwhile_is_brought_back_once_more() -> None:
    """By a worker that had not heard of his return: that is another sleep."""
    api = Api()
    await api.sleeps()
    await api.reads()
    await api.sleeps(sleep=2)
    api.settled.set()
    await api.goes_on()
    api.told()
    assert await api.reads() == "building"
    assert api.told().count(("rebuild", ALICE)) == 2
    assert await api.reads() == "ready"


@pytest.mark.parametrize("failing", ["AWAKE", "REBUILT"])
async def test_a_return_that_fails_is_begun_anew(failing: str) -> None:
    """By the next read, whichever process has it; until then nothing is called whole."""
    api = Api()
    await api.sleeps()
    api.settled.set()
    api.activity.fails = {failing}
    assert await api.reads() == "building"
    assert (("rebuild", ALICE) in api.told()) == (failing == "REBUILT")
    api.activity.fails = set()
    assert await api.reads() == "building"
    assert await api.reads() == "ready"


async def test_a_process_that_stops_brings_nobody_back() -> None:
    """Nothing is called whole; another process begins anew."""
    api = Api()
    await api.sleeps()
    await api.reads()
    api.homes.stop()
    api.settled.set()
    await api.goes_on()
    assert (await api.activity.load(ALICE)).may_lack_entries


async def test_what_it_remembers_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Readers of the day, and those who return at a time: others are asked for again."""
    monkeypatch.setattr(returning, "MAX_REMEMBERED", 1)
    monkeypatch.setattr(returning, "MAX_RETURNING", 1)
    api = Api()
    await api.reads(ALICE)
    await api.reads(BOB)
    api.told()
    await api.reads(ALICE)
    assert api.told() == ["SEEN", "of"]
    api.today += 1
    await api.sleeps(ALICE)
    await api.sleeps(BOB)
    assert await api.reads(ALICE) == "building"
    assert await api.reads(BOB) == "building"
    assert ("rebuild", BOB) not in api.told()
    api.settled.set()
    await api.goes_on()
    assert await api.reads(BOB) == "building"
    assert await api.reads(BOB) == "ready"
