"""What is measured does not pay for what was measured before it."""

from loadtest.settling import QUIET_POLLS, wait_until_settled


class Tasks:
    """Returns one count at each poll, then none; counts the polls."""

    def __init__(self, *counts: int) -> None:
        self._counts = list(counts)
        self.looks = 0

    async def __call__(self) -> dict[str, int]:
        self.looks += 1
        return {"CompactionExecutor": self._counts.pop(0) if self._counts else 0, "others": 0}


async def test_a_store_is_settled_once_it_was_quiet_several_times_in_a_row() -> None:
    """A single quiet poll may be between a flush and the compaction that follows."""
    tasks = Tasks(2, 0, 1, 0, 0, 3)
    assert await wait_until_settled(tasks, 30, poll=0)
    assert tasks.looks == 6 + QUIET_POLLS


async def test_one_that_never_settles_is_not_waited_for_without_end() -> None:
    """The caller learns of it, and goes on."""
    assert not await wait_until_settled(Tasks(*[1] * 1_000_000), 0.05, poll=0)
