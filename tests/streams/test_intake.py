"""How much is taken in, and what is said of it."""

from streams.delivery.intake import STUCK_SECONDS, UNOWNED_SECONDS, Intake, IntakeLimits
from tests.clock import StandingClock
from tests.streams.fakes import P0, P1, FakeRecord, records


class FakeLoop:
    """A delivery loop, seen from the intake."""

    agent = "posts"
    topic = "posts"

    def __init__(self) -> None:
        self.stuck = False
        self.braked: str | None = None
        self.settled: float | None = None
        self.resumed = 0

    async def settle(self, seconds: float) -> None:
        self.settled = seconds

    def resume(self) -> None:
        self.resumed += 1

    def held_up(self) -> str | None:
        return self.braked

    def is_stuck(self) -> bool:
        return self.stuck


def filled(limits: IntakeLimits) -> Intake:
    """P0 holds a message of a kilobyte."""
    intake = Intake("group", limits)
    generation = intake.assign([P0, P1])
    intake.acks.received(P0, generation, [FakeRecord(0, b"x" * 1_000)])
    return intake


def test_a_full_partition_is_closed_until_there_is_room() -> None:
    """The others stay open."""
    intake = filled(IntakeLimits(partition_bytes=1_000))
    assert intake.open_partitions() == {P1}
    intake.acks.acked(P0, 1, [0])
    assert intake.open_partitions() == {P0, P1}


def test_when_all_is_full_only_what_holds_nothing_may_receive() -> None:
    """Stuck partitions do not starve those that are well."""
    assert filled(IntakeLimits(total_bytes=1_000)).open_partitions() == {P1}


def test_a_paused_topic_receives_nothing() -> None:
    """Until it is resumed."""
    intake = filled(IntakeLimits())
    intake.pause("posts")
    assert intake.open_partitions() == set()
    intake.resume("posts")
    assert intake.open_partitions() == {P0, P1}


def test_a_topic_that_is_held_up_receives_nothing() -> None:
    """And is not ready, for the reason that its loop gives; until it goes on."""
    intake = filled(IntakeLimits())
    intake.known_topics = {"posts"}
    loop = FakeLoop()
    intake.add(loop)
    loop.braked = "topic posts is braked"
    assert intake.open_partitions() == set()
    assert intake.missing() == ["topic posts is braked"]
    loop.braked = None
    assert intake.open_partitions() == {P0, P1}
    assert intake.missing() == []


async def test_it_is_ready_with_its_topics_and_its_share() -> None:
    """A topic that does not exist is named; a rebalance begins anew."""
    intake = Intake("group")
    loop = FakeLoop()
    intake.add(loop)
    assert intake.missing() == [
        "topic posts does not exist",
        "group has no partitions assigned yet",
    ]
    intake.known_topics = {"posts"}
    intake.assign([])
    assert intake.missing() == []
    assert loop.resumed == 1
    await intake.settle(2.0)
    assert loop.settled == 2.0
    assert intake.missing() == ["group has no partitions assigned yet"]


def test_a_partition_without_an_owner_is_named_after_a_minute() -> None:
    """Sooner it is being assigned, as after every change of a topic."""
    intake = Intake("group")
    intake.assign([P0])
    intake.unowned = {P1: UNOWNED_SECONDS}
    assert intake.missing() == []
    intake.unowned = {P1: UNOWNED_SECONDS + 1}
    assert intake.missing() == ["partition 1 of topic posts has had no owner for 61 s"]


def test_what_makes_no_progress_is_named() -> None:
    """A loop, or the thread of the consumer; not one that still waits for a broker."""
    time = StandingClock()
    intake = Intake("group", now=time)
    loop = FakeLoop()
    intake.add(loop)
    time.now = 2 * STUCK_SECONDS
    assert intake.stuck() == []
    intake.beat()
    assert intake.stuck() == []
    loop.stuck = True
    time.now += STUCK_SECONDS + 1
    assert intake.stuck() == [
        "agent posts makes no progress",
        "the consumer of group does not answer",
    ]
    loop.stuck = False
    intake.beat()
    assert intake.stuck() == []


def test_a_revoked_partition_is_no_longer_held() -> None:
    """Its share is handed out anew."""
    intake = filled(IntakeLimits())
    intake.revoke()
    assert intake.open_partitions() == set()
    assert intake.acks.received(P0, 1, records(1)) is None
