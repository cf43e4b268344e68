"""A commit never passes a message that is not fully handled."""

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule

from streams.delivery.acks import AckTracker
from streams.records import UnreadableRecord
from tests.streams.fakes import P0, P1, FakeRecord, records


def tracker() -> tuple[AckTracker, int]:
    acks = AckTracker()
    return acks, acks.assign([P0, P1])


def test_nothing_received_commits_nothing() -> None:
    """An assignment alone moves no offset."""
    acks, _ = tracker()
    assert acks.committable() == {}


def test_the_next_offset_to_read_is_committed() -> None:
    """A committed offset is that of the next message, per partition."""
    acks, generation = tracker()
    acks.received(P0, generation, records(5, 6))
    acks.received(P1, generation, records(0))
    acks.acked(P0, generation, [5, 6])
    acks.acked(P1, generation, [0])
    assert acks.committable() == {P0: 7, P1: 1}


def test_what_is_in_flight_holds_back_what_was_handled_after_it() -> None:
    """100 in flight, 101 to 109 done: 100 stays the next to read, also for who comes after."""
    acks, generation = tracker()
    acks.received(P0, generation, records(*range(98, 110)))
    acks.acked(P0, generation, [98, 99, *range(101, 110)])
    assert acks.committable() == {P0: 100}
    acks.acked(P0, generation, [100])
    assert acks.committable() == {P0: 110}


def test_what_stands_for_many_offsets_is_committed_past_the_last() -> None:
    """And holds back at the first one until then."""
    acks, generation = tracker()
    unreadable = UnreadableRecord(3, 9, 0, "unreadable_batch", "why")
    acks.received(P0, generation, [*records(2), unreadable])
    acks.acked(P0, generation, [2])
    assert acks.committable() == {P0: 3}
    acks.acked(P0, generation, [3])
    assert acks.committable() == {P0: 10}


def test_a_message_that_nothing_else_refers_to_still_holds_back() -> None:
    """References are strong: a message that was dropped somewhere is not forgotten."""
    acks, generation = tracker()
    acks.received(P0, generation, [FakeRecord(offset) for offset in range(10)])
    acks.acked(P0, generation, range(1, 10))
    assert acks.committable() == {P0: 0}


def test_gaps_are_passed() -> None:
    """Offsets that compaction or transactions leave out are nobody's to acknowledge."""
    acks, generation = tracker()
    acks.received(P0, generation, records(3, 7, 20))
    acks.acked(P0, generation, [3, 7])
    assert acks.committable() == {P0: 20}
    acks.acked(P0, generation, [20])
    assert acks.committable() == {P0: 21}


def test_what_is_committed_is_not_committed_again() -> None:
    """An idle partition costs no request."""
    acks, generation = tracker()
    acks.received(P0, generation, records(0))
    acks.acked(P0, generation, [0])
    acks.committed(acks.committable())
    assert acks.committable() == {}


def test_late_acks_of_an_earlier_assignment_count_for_nothing() -> None:
    """After a rebalance the partition begins anew, and its messages are received again."""
    acks, earlier = tracker()
    acks.received(P0, earlier, records(0, 1))
    acks.revoke([P0, P1])
    now = acks.assign([P0])
    acks.received(P0, now, records(0, 1))
    acks.acked(P0, earlier, [0, 1])
    assert acks.committable() == {P0: 0}
    assert acks.received(P0, earlier, records(2)) is None


def test_a_seek_backwards_forgets_nothing() -> None:
    """What was unhandled before stays unhandled, and repeated messages count each time."""
    acks, generation = tracker()
    acks.received(P0, generation, records(0, 1, 2, 3))
    acks.acked(P0, generation, [2, 3])
    acks.received(P0, generation, records(1, 2))
    acks.acked(P0, generation, [0, 1, 2])
    assert acks.committable() == {P0: 1}
    acks.acked(P0, generation, [1])
    assert acks.committable() == {P0: 3}


def test_what_is_repeated_is_known_however_the_position_moved() -> None:
    """Back, and forwards again to something that is still in flight."""
    acks, generation = tracker()
    for offset in (0, 2, 0, 2):
        acks.received(P0, generation, records(offset))
    acks.acked(P0, generation, [0, 0, 2])
    assert acks.committable() == {P0: 2}
    acks.acked(P0, generation, [2])
    assert acks.committable() == {P0: 3}


def test_a_seek_forwards_skips() -> None:
    """What is never received holds nothing back."""
    acks, generation = tracker()
    acks.received(P0, generation, records(0))
    acks.received(P0, generation, records(50))
    acks.acked(P0, generation, [0, 50])
    assert acks.committable() == {P0: 51}


def test_what_no_consumer_is_given_is_committed_once_all_before_it_is_handled() -> None:
    """A transaction ends in a control record: without this its partition never has a lag of 0."""
    acks, generation = tracker()
    acks.received(P0, generation, records(0, 1))
    acks.read_to(P0, generation, 3)
    acks.acked(P0, generation, [1])
    assert acks.committable() == {P0: 0}
    acks.acked(P0, generation, [0])
    assert acks.committable() == {P0: 3}
    acks.committed({P0: 3})
    acks.read_to(P0, generation, 3)
    assert acks.committable() == {}
    acks.read_to(P0, generation, 5)
    assert acks.committable() == {P0: 5}


def test_a_position_from_another_assignment_or_at_the_beginning_is_not_committed() -> None:
    """The partition's next owner begins at what was committed before."""
    acks, generation = tracker()
    acks.read_to(P0, generation, 0)
    assert acks.committable() == {}
    acks.revoke([P0])
    acks.assign([P0])
    acks.read_to(P0, generation, 7)
    assert acks.committable() == {}


def test_bytes_are_counted_until_they_are_handled() -> None:
    """What bounds the intake is what is held."""
    acks, generation = tracker()
    acks.received(P0, generation, records(0, 1))
    assert acks.held(P0) > 0 == acks.held(P1)
    acks.acked(P0, generation, [0, 1])
    assert acks.held(P0) == 0


def test_the_oldest_unhandled_message_is_known() -> None:
    """It tells how far behind the partition is."""
    acks, generation = tracker()
    first, second = records(0, 1)
    acks.received(P0, generation, [first, second])
    assert acks.oldest(P0) is first
    acks.acked(P0, generation, [0])
    assert acks.oldest(P0) is second
    acks.acked(P0, generation, [1])
    assert acks.oldest(P0) is None


@given(st.lists(st.integers(1, 3), min_size=1, max_size=30), st.randoms())
def test_any_order_of_acks(gaps: list[int], random: object) -> None:
    """The law, over any set of offsets acknowledged in any order."""
    offsets = [sum(gaps[: n + 1]) for n in range(len(gaps))]
    acks, generation = tracker()
    acks.received(P0, generation, records(*offsets))
    order = list(offsets)
    random.shuffle(order)  # type: ignore[attr-defined]
    pending = set(offsets)
    for offset in order:
        assert acks.committable()[P0] == min(pending)
        acks.acked(P0, generation, [offset])
        pending.discard(offset)
    assert acks.committable() == {P0: offsets[-1] + 1}


class Interleavings(RuleBasedStateMachine):
    """Receiving, acknowledging, committing, seeking and rebalancing in any order."""

    deliveries = Bundle("deliveries")

    def __init__(self) -> None:
        super().__init__()
        self.acks = AckTracker()
        self.generation = self.acks.assign([P0])
        self.next = 0
        self.pending: list[tuple[int, int]] = []

    @rule(target=deliveries, gap=st.integers(0, 3), count=st.integers(1, 5))
    def receive(self, gap: int, count: int) -> tuple[int, list[int]]:
        offsets = list(range(self.next + gap, self.next + gap + count))
        self.acks.received(P0, self.generation, records(*offsets))
        self.pending += [(self.generation, offset) for offset in offsets]
        self.next = offsets[-1] + 1
        return self.generation, offsets

    @rule(delivery=deliveries, data=st.data())
    def acknowledge(self, delivery: tuple[int, list[int]], data: st.DataObject) -> None:
        generation, offsets = delivery
        done = data.draw(st.sets(st.sampled_from(offsets)))
        due = [offset for offset in done if (generation, offset) in self.pending]
        self.acks.acked(P0, generation, due)
        for offset in due:
            self.pending.remove((generation, offset))

    @rule(more=st.integers(0, 3))
    def pass_control_records(self, more: int) -> None:
        self.next += more
        self.acks.read_to(P0, self.generation, self.next)

    @rule(back=st.integers(1, 8))
    def seek(self, back: int) -> None:
        self.next = max(0, self.next - back)

    @precondition(lambda self: self.acks.committable())
    @rule()
    def commit(self) -> None:
        self.acks.committed(self.acks.committable())

    @rule()
    def rebalance(self) -> None:
        self.acks.revoke([P0])
        self.generation = self.acks.assign([P0])

    @invariant()
    def no_commit_passes_what_is_unhandled(self) -> None:
        mine = [offset for generation, offset in self.pending if generation == self.generation]
        committable = self.acks.committable().get(P0)
        if mine and committable is not None:
            assert committable <= min(mine)
        assert (self.acks.held(P0) > 0) == bool(mine)


TestInterleavings = Interleavings.TestCase
