"""Batches are bounded, partitions fail apart, nothing that waits is lost."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from streams.delivery.backlog import Backlog, Batch, BatchBounds, Slice
from streams.records import Partition, RecordRun
from streams.retry import RetryPolicy
from tests.streams.fakes import P0, P1, FakeRecord, Middle, records

POLICY = RetryPolicy(first=1.0, longest=8.0)


def backlog(bounds: BatchBounds = BatchBounds()) -> Backlog:  # noqa: B008 - immutable
    return Backlog(bounds, POLICY, Middle())


def run(partition: Partition, *offsets: int) -> RecordRun:
    return RecordRun(partition, 1, records(*offsets))


def taken(batch: Batch | None) -> dict[int, list[int]]:
    """Offsets by partition number."""
    assert batch is not None
    return {part.partition.number: [r.offset for r in part.records] for part in batch.slices}


def test_one_batch_takes_what_waits_in_all_partitions() -> None:
    """The handler sees as much at a time as there is."""
    waiting = backlog()
    waiting.add(run(P0, 0, 1))
    waiting.add(run(P1, 7))
    waiting.add(run(P0, 2))
    assert taken(waiting.take(0.0)) == {0: [0, 1, 2], 1: [7]}
    assert waiting.take(0.0) is None


def test_a_batch_is_bounded_in_messages_and_everyone_gets_a_turn() -> None:
    """A partition with much to do does not keep the others waiting."""
    waiting = backlog(BatchBounds(messages=3))
    waiting.add(run(P0, *range(10)))
    waiting.add(run(P1, 0))
    assert taken(waiting.take(0.0)) == {0: [0, 1, 2]}
    assert taken(waiting.take(0.0)) == {0: [3, 4], 1: [0]}


def test_a_batch_is_bounded_in_bytes_but_never_empty() -> None:
    """A message larger than any batch is a batch of its own."""
    waiting = backlog(BatchBounds(bytes=4_000))
    large = FakeRecord(1, b"x" * 10_000)
    waiting.add(RecordRun(P0, 1, [large, *records(2, 3)]))
    assert taken(waiting.take(0.0)) == {0: [1]}
    assert taken(waiting.take(0.0)) == {0: [2, 3]}


def test_batches_in_flight_are_bounded() -> None:
    """The next one is taken when one has landed."""
    waiting = backlog(BatchBounds(messages=1, batches=2))
    waiting.add(run(P0, 0, 1, 2))
    first = waiting.take(0.0)
    assert first is not None
    assert waiting.take(0.0) is not None
    assert waiting.take(0.0) is None
    waiting.finished(first, [], 0.0)
    assert taken(waiting.take(0.0)) == {0: [2]}


def test_a_batch_waits_for_more_while_another_is_in_flight() -> None:
    """Until it is full, or has waited for so long, or nothing is in flight any more."""
    waiting = backlog(BatchBounds(messages=3, gather_seconds=0.1))
    waiting.add(run(P0, 0))
    first = waiting.take(5.0)
    assert taken(first) == {0: [0]}
    assert waiting.next_due() is None
    waiting.add(run(P0, 1))
    assert waiting.take(5.0) is None
    assert waiting.next_due() == 5.1
    waiting.add(run(P1, 0, 1))
    assert taken(waiting.take(5.01)) == {0: [1], 1: [0, 1]}
    waiting.add(run(P1, 2))
    assert waiting.take(5.02) is None
    waiting.add(run(P1, 3))
    assert taken(waiting.take(5.13)) == {1: [2, 3]}
    waiting.add(run(P0, 2))
    assert waiting.take(5.2) is None
    for batch in (first, Batch([], retry=False), Batch([], retry=False)):
        assert batch is not None
        waiting.finished(batch, [], 5.2)
    assert taken(waiting.take(5.2)) == {0: [2]}


def test_a_batch_may_wait_for_more_also_while_none_is_in_flight() -> None:
    """What is lost meanwhile waits for nothing."""
    waiting = backlog(BatchBounds(gather_seconds=1.0, gathers_always=True))
    assert waiting.take(0.0) is None
    assert waiting.next_due() is None
    waiting.add(run(P0, 0))
    assert waiting.take(3.0) is None
    waiting.add(run(P0, 1))
    assert waiting.take(3.5) is None
    assert taken(waiting.take(4.0)) == {0: [0, 1]}
    waiting.add(run(P0, 2))
    assert waiting.take(4.5) is None
    waiting.clear()
    assert waiting.take(9.0) is None
    assert waiting.next_due() is None


def test_what_was_not_begun_goes_first_and_has_not_failed() -> None:
    """A batch of which only a part was handled gives the rest back, to be taken at once."""
    waiting = backlog(BatchBounds(messages=3))
    waiting.add(run(P0, *range(5)))
    batch = waiting.take(0.0)
    assert batch is not None
    waiting.finished(batch, [], 0.0, [Slice(P0, 1, records(1, 2))])
    assert waiting.in_retry() == 0
    assert taken(waiting.take(0.0)) == {0: [1, 2, 3]}


def test_a_failure_holds_up_its_own_partition_only() -> None:
    """It is tried again alone, later each time; the others go on."""
    waiting = backlog()
    waiting.add(run(P0, 0))
    waiting.add(run(P1, 0))
    batch = waiting.take(0.0)
    assert batch is not None
    failed = next(part for part in batch.slices if part.partition == P0)
    waiting.finished(batch, [failed], 0.0)
    waiting.add(run(P0, 1))
    waiting.add(run(P1, 1))
    assert taken(waiting.take(0.0)) == {1: [1]}
    assert waiting.in_retry() == 1
    assert waiting.next_due() == 0.75
    again = waiting.take(0.75)
    assert again is not None
    assert again.retry
    assert taken(again) == {0: [0, 1]}
    waiting.finished(again, again.slices, 1.0)
    assert waiting.next_due() == 2.5


def test_a_partition_is_well_again_after_one_success() -> None:
    """What waited behind the failure goes on with the others."""
    waiting = backlog(BatchBounds(messages=1))
    waiting.add(run(P0, 0, 1))
    batch = waiting.take(0.0)
    assert batch is not None
    waiting.finished(batch, batch.slices, 0.0)
    again = waiting.take(1.0)
    assert again is not None
    waiting.finished(again, [], 1.0)
    following = waiting.take(1.0)
    assert following is not None
    assert not following.retry
    assert waiting.in_retry() == 0


def test_several_failed_batches_of_a_partition_are_one_failure() -> None:
    """A store that is away for a moment is not away for four moments in a row."""
    waiting = backlog(BatchBounds(messages=1))
    waiting.add(run(P0, 0, 1))
    batches = [waiting.take(0.0), waiting.take(0.0)]
    for batch in batches:
        assert batch is not None
        waiting.finished(batch, batch.slices, 0.0)
    assert waiting.next_due() == 0.75
    assert waiting.in_retry() == 1


def test_retries_do_not_take_the_place_of_first_tries() -> None:
    """Both are bounded, each by itself."""
    waiting = backlog(BatchBounds(batches=1, retries=1))
    waiting.add(run(P0, 0))
    batch = waiting.take(0.0)
    assert batch is not None
    waiting.finished(batch, batch.slices, 0.0)
    assert waiting.take(1.0) is not None
    waiting.add(run(P1, 0))
    assert taken(waiting.take(1.0)) == {1: [0]}


def test_what_an_earlier_assignment_left_is_forgotten() -> None:
    """A batch that fails after the partition came back brings nothing back."""
    waiting = backlog()
    waiting.add(run(P0, 0))
    batch = waiting.take(0.0)
    assert batch is not None
    waiting.clear()
    waiting.add(RecordRun(P0, 2, records(0)))
    waiting.finished(batch, batch.slices, 0.0)
    assert taken(waiting.take(0.0)) == {0: [0]}
    assert waiting.in_retry() == 0


@given(
    arrivals=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 9)), min_size=1, max_size=20),
    bounds=st.builds(
        BatchBounds,
        messages=st.integers(1, 6),
        bytes=st.integers(1, 5_000),
        batches=st.integers(1, 3),
        retries=st.integers(1, 3),
        gather_seconds=st.just(0.0) | st.floats(1e-9, 10),
        gathers_always=st.booleans(),
    ),
    failures=st.randoms(use_true_random=False),
)
def test_every_message_is_handled_once(
    arrivals: list[tuple[int, int]], bounds: BatchBounds, failures: object
) -> None:
    """Whatever fails and however often: each is put back until it succeeds, and then gone."""
    waiting = backlog(bounds)
    next_offset: Counter[int] = Counter()
    for number, count in arrivals:
        first = next_offset[number]
        waiting.add(run(Partition("posts", number), *range(first, first + count)))
        next_offset[number] += count
    done: Counter[tuple[int, int]] = Counter()
    now, failing = 0.0, 40
    while sum(done.values()) < sum(next_offset.values()):
        batch = waiting.take(now)
        if batch is None:
            due = waiting.next_due()
            assert due is not None
            now = max(now, due)
            continue
        later: list[Slice] = []
        for part in batch.slices:
            fails = failing > 0 and failures.random() < 0.4  # type: ignore[attr-defined]
            failing -= fails
            if fails:
                later.append(part)
            else:
                done.update((part.partition.number, each.offset) for each in part.records)
        waiting.finished(batch, later, now)
    assert set(done.values()) == {1}
    assert waiting.take(now + 100) is None
