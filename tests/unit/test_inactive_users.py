"""Whom a worker leaves out: who sleeps, what has to be known of it, and how old that may be."""

import numpy as np
import pytest

from schemas.ids import DAY_MS
from services.activity import inactive_users
from services.activity.inactive_users import MAX_AGE_SECONDS, InactiveUsers
from services.activity.memory import MemoryActivity
from services.activity.store import Activities, ActivityKind

TODAY = 20_000
DAYS = 3
ALICE, BOB, CAROL = 1, 2, 3
EVERYBODY = (ALICE, BOB, CAROL)


class Worker(InactiveUsers):
    """One, and its clocks."""

    def __init__(self, store: MemoryActivity, days: int = DAYS) -> None:
        super().__init__(store, days, lambda: self.today * DAY_MS, lambda: self.seconds)
        self.today = TODAY
        self.seconds = 0.0

    def leaves_out(self, *users: int) -> set[int]:
        return set(users) - set(self.active_followers(np.array(users, np.int64)).tolist())

    async def looks(self, times: int) -> None:
        for _ in range(times):
            await self.scan()


async def says(store: MemoryActivity, kind: ActivityKind, user: int, number: int) -> None:
    await store.raise_numbers(kind, np.array([user]), np.array([number]))


async def test_who_never_read_is_put_to_sleep_when_he_is_met() -> None:
    """And left out when two looks have found him asleep; others are not."""
    store = MemoryActivity()
    worker = Worker(store)
    await says(store, ActivityKind.SEEN, BOB, TODAY)
    await worker.scan()
    for _ in range(3):
        assert worker.leaves_out(ALICE, BOB) == set()
        await worker.scan()
    assert worker.leaves_out(*EVERYBODY) == {ALICE}
    assert (await store.load(ALICE)).dormant == 1
    assert (await store.load(CAROL)).dormant == 0


@pytest.mark.parametrize(("seen", "sleeps"), [(TODAY - DAYS, False), (TODAY - DAYS - 1, True)])
async def test_who_has_not_read_for_days_is_put_to_sleep(seen: int, *, sleeps: bool) -> None:
    """The day of the last read is not one of them."""
    store = MemoryActivity()
    worker = Worker(store)
    await says(store, ActivityKind.SEEN, ALICE, seen)
    await worker.looks(3)
    assert worker.leaves_out(ALICE) == ({ALICE} if sleeps else set())


async def test_nobody_is_left_out_before_a_second_look_has_seen_him_asleep() -> None:
    """The first may have read what one node has and no quorum: a reader might miss it."""
    store = MemoryActivity()
    worker = Worker(store)
    await says(store, ActivityKind.DORMANT, ALICE, 1)
    await worker.scan()
    assert worker.leaves_out(ALICE) == set()
    await says(store, ActivityKind.AWAKE, ALICE, 1)
    await says(store, ActivityKind.DORMANT, ALICE, 2)
    await worker.scan()
    assert worker.leaves_out(ALICE) == set()  # it is another sleep
    await worker.scan()
    assert worker.leaves_out(ALICE) == {ALICE}


async def test_who_reads_while_he_is_put_to_sleep_is_not_left_out() -> None:
    """He wrote that he reads before he could see that he sleeps."""
    store = MemoryActivity()
    worker = Worker(store)
    await says(store, ActivityKind.DORMANT, ALICE, 1)
    await worker.scan()
    await says(store, ActivityKind.SEEN, ALICE, TODAY)
    await worker.looks(2)
    assert worker.leaves_out(ALICE) == set()


async def test_who_is_awake_is_left_out_by_no_clock() -> None:
    """Also by a worker that is days ahead: first he has to be put to sleep again, durably."""
    store = MemoryActivity()
    worker = Worker(store)
    await says(store, ActivityKind.SEEN, ALICE, TODAY)
    await says(store, ActivityKind.DORMANT, ALICE, 1)
    worker.today += 40
    await worker.looks(2)
    assert worker.leaves_out(ALICE) == {ALICE}
    await says(store, ActivityKind.AWAKE, ALICE, 1)
    await worker.scan()
    assert worker.leaves_out(ALICE) == set()
    assert (await store.load(ALICE)).dormant == 2


async def test_what_is_known_leaves_nobody_out_when_it_is_old() -> None:
    """Whoever returned in the meantime is delivered to by then."""
    store = MemoryActivity()
    worker = Worker(store)
    await says(store, ActivityKind.DORMANT, ALICE, 1)
    await worker.looks(2)
    worker.seconds += MAX_AGE_SECONDS - 1
    assert worker.leaves_out(ALICE) == {ALICE}
    worker.seconds += 1
    assert worker.leaves_out(ALICE) == set()


async def test_the_age_counts_from_when_it_was_asked() -> None:
    """What is written while the answer is on its way may be missing from it."""

    class Slow(MemoryActivity):
        async def load_all(self) -> Activities:
            found = await super().load_all()
            worker.seconds += MAX_AGE_SECONDS
            return found

    store = Slow()
    worker = Worker(store)
    await says(store, ActivityKind.DORMANT, ALICE, 1)
    await worker.looks(3)
    assert worker.leaves_out(ALICE) == set()


async def test_it_remembers_a_bounded_number_of_strangers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is met beyond them is put to sleep when he is met again."""
    monkeypatch.setattr(inactive_users, "MAX_UNKNOWN", 2)
    monkeypatch.setattr(inactive_users, "MARKED_AT_ONCE", 1)
    store = MemoryActivity()
    worker = Worker(store)
    await worker.scan()
    worker.leaves_out(ALICE, BOB)
    worker.leaves_out(CAROL)
    await worker.scan()
    assert (await store.load_all()).users.tolist() == [ALICE, BOB]
    worker.leaves_out(*EVERYBODY)
    await worker.scan()
    assert (await store.load_all()).users.tolist() == [ALICE, BOB, CAROL]


async def test_nobody_is_left_out_before_the_first_look() -> None:
    """Nor where nothing is known of anybody."""
    worker = Worker(MemoryActivity())
    assert worker.leaves_out(*EVERYBODY) == set()
    await worker.scan()
    assert worker.leaves_out() == set()
    assert worker.leaves_out(*EVERYBODY) == set()
