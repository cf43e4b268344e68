"""What a static member does that has lost its place in the group."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.coordinator.protocol import ConsumerProtocolMemberMetadata
from aiokafka.errors import KafkaError, UnknownMemberIdError
from aiokafka.protocol.admin import DescribeGroupsRequest
from aiokafka.protocol.commit import OffsetCommitRequest
from aiokafka.protocol.group import HeartbeatRequest, JoinGroupRequest

from streams.kafka.worker_names import BIRTH_BYTES, FENCED_INSTANCE_ID, NameWatch, new_birth

ID = "pod-0-ingest"
UUID = "01234567-89ab-cdef-0123-456789abcdef"
MEMBER_ID = f"{ID}-ffffffff-89ab-cdef-0123-456789abcdef"
OLDER, MINE, YOUNGER = (new_birth(now) for now in (1, 2, 3))
JOIN = JoinGroupRequest("mingle-ingest", 1, 1, "", ID, "consumer", [])
HEARTBEAT = HeartbeatRequest("mingle-ingest", 1, ID)
COMMIT = OffsetCommitRequest("mingle-ingest", 1, ID, -1, [])


class FakeGroup:
    """A coordinator's answers, and the parts of a consumer that a watch knows."""

    def __init__(self) -> None:
        self.member_id = ""
        self.coordinator_id = 1
        self.group_id = "mingle-ingest"
        self._group_instance_id = ID
        self.state = "Stable"
        self.members: list[tuple[str, bytes | None]] = []
        self.codes: list[int] = []
        self.sent: list[Any] = []
        self.lookups = self.resets = 0
        self.keys = {DescribeGroupsRequest.API_KEY}

    async def _send_req(self, request: Any) -> Any:
        self.sent.append(request)
        code = self.codes.pop(0) if self.codes else 0
        topics = [("posts", [(0, code), (1, code)])]
        member_id = "" if code else MEMBER_ID
        return SimpleNamespace(error_code=code, topics=topics, member_id=member_id)

    async def _get_conn(self, node: int) -> Any:
        return SimpleNamespace(_versions=self.keys)

    async def send(self, node: int, request: Any) -> Any:
        members = [
            (name if data is None else f"{name}-{UUID}", "client", "host", joined_with(data), b"")
            for name, data in self.members
        ]
        return SimpleNamespace(groups=[(0, self.group_id, self.state, "", "", members)])

    def coordinator_dead(self) -> None:
        self.lookups += 1

    def reset_generation(self) -> None:
        self.resets += 1
        self.member_id = ""


def joined_with(data: bytes | None) -> bytes:
    """Empty where only the member's id is shown."""
    if data is None:
        return b""
    return bytes(ConsumerProtocolMemberMetadata(0, ["posts"], data).encode())


@pytest.fixture
def group() -> FakeGroup:
    return FakeGroup()


@pytest.fixture
def watch(group: FakeGroup) -> NameWatch:
    return watching(group)


def watching(group: FakeGroup, *, may_join: bool = True) -> NameWatch:
    consumer = SimpleNamespace(_coordinator=group, _client=group)
    return NameWatch(consumer, "pod-0", MINE, lambda: may_join)


async def displaced(watch: NameWatch, group: FakeGroup, *members: tuple[str, bytes | None]) -> None:
    """A member that joined, lost its place, and joins again."""
    await watch.send(JOIN)
    group.members = list(members)
    await watch.send(JOIN)


async def test_a_first_join_takes_the_name_of_whoever_has_it(
    watch: NameWatch, group: FakeGroup
) -> None:
    """A predecessor that was killed looks like one that lives, until its session has passed."""
    group.members = [(ID, OLDER)]
    await watch.send(JOIN)
    assert group.sent == [JOIN]


@pytest.mark.parametrize(
    "members",
    [[], [(ID, YOUNGER)], [(ID, MINE + b"note")], [("pod-1-ingest", OLDER)]],
    ids=["nobody", "younger", "itself", "another name"],
)
async def test_a_displaced_worker_joins_again_where_nobody_older_has_its_name(
    watch: NameWatch, group: FakeGroup, members: Sequence[tuple[str, bytes]]
) -> None:
    """Its session had passed, an answer was lost, or the younger is to end."""
    await displaced(watch, group, *members)
    assert group.sent == [JOIN, JOIN]
    assert watch.taken is None


@pytest.mark.parametrize("data", [OLDER + b"note", b""], ids=["older", "a release without births"])
async def test_a_displaced_worker_leaves_the_name_to_an_older_one(
    watch: NameWatch, group: FakeGroup, data: bytes
) -> None:
    """It asks the broker for nothing more."""
    with pytest.raises(KafkaError):
        await displaced(watch, group, (ID, data))
    with pytest.raises(KafkaError):
        await watch.send(JOIN)
    assert group.sent == [JOIN]
    assert "the name 'pod-0' is taken" in str(watch.taken)
    assert "MINGLE_WORKER_NAME" in str(watch.taken)


async def test_nothing_is_decided_while_the_group_rebalances(
    watch: NameWatch, group: FakeGroup
) -> None:
    """The coordinator shows no births then; it is looked up and asked again."""
    group.state = "PreparingRebalance"
    with pytest.raises(KafkaError):
        await displaced(watch, group, (ID, b""))
    assert watch.taken is None
    assert group.lookups == 1
    group.state, group.members = "Stable", [(ID, YOUNGER)]
    await watch.send(JOIN)
    assert group.sent == [JOIN, JOIN]


async def test_a_member_that_the_group_waits_for_joins_at_once(
    watch: NameWatch, group: FakeGroup
) -> None:
    """It forgot its id over an old generation, and the rebalance ends only when it is there."""
    group.state = "PreparingRebalance"
    await displaced(watch, group, (MEMBER_ID, None))
    assert group.sent == [JOIN, JOIN]


async def test_a_worker_that_is_told_to_stop_leaves_its_name_to_its_successor(
    group: FakeGroup,
) -> None:
    """Otherwise the successor, which is younger, would end as well."""
    watch = watching(group, may_join=False)
    with pytest.raises(KafkaError):
        await displaced(watch, group, (ID, YOUNGER))
    assert group.sent == [JOIN]


async def test_a_broker_that_cannot_describe_groups_decides_nothing(
    watch: NameWatch, group: FakeGroup
) -> None:
    """Members then join as they did before."""
    group.keys = set()
    await displaced(watch, group, (ID, OLDER))
    assert group.sent == [JOIN, JOIN]


async def test_a_member_that_is_fenced_joins_again_like_one_that_is_unknown(
    watch: NameWatch, group: FakeGroup
) -> None:
    """The code is one that aiokafka does not know, and the process would end."""
    group.codes = [FENCED_INSTANCE_ID, FENCED_INSTANCE_ID]
    for request in (JOIN, HEARTBEAT):
        assert (await watch.send(request)).error_code == UnknownMemberIdError.errno
    group.members = [(ID, OLDER)]
    with pytest.raises(KafkaError):
        await watch.send(JOIN)
    assert watch.taken is not None, "a fenced join was a member, too"


async def test_a_commit_of_a_displaced_member_fails_once(
    watch: NameWatch, group: FakeGroup
) -> None:
    """Otherwise aiokafka logs an error for each partition."""
    group.codes = [UnknownMemberIdError.errno, 0]
    with pytest.raises(UnknownMemberIdError):
        await watch.send(COMMIT)
    assert group.resets == 1
    assert (await watch.send(COMMIT)).error_code == 0


def test_births_are_ordered_also_within_one_moment() -> None:
    """Two workers that begin together agree on which is the older."""
    assert len({new_birth(1), new_birth(1)}) == 2
    assert sorted([YOUNGER, MINE, OLDER]) == [OLDER, MINE, YOUNGER]
    assert {len(each) for each in (OLDER, new_birth())} == {BIRTH_BYTES}
