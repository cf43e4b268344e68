"""What an operator replays or rebuilds after something went wrong; at the end all equals F(log)."""

import json
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from schemas.codec import Message, encode
from schemas.events import FollowCreated, PostCreated, ReplyCreated
from schemas.ids import DAY_MS, PostId, post_id
from servers.server import Reachable
from services.buckets import BUCKET_MS
from services.settings.settings import Settings
from streams.outbox import Outgoing
from tests.contracts.conftest import session_on
from tests.e2e.comparison import compare_all
from tests.e2e.groups import empty_groups
from tests.e2e.pipeline import Pipeline, Record
from tests.e2e.replays import HOMES, Replays, lose
from tests.e2e.village import HAMLET, Village, model_of

SEED = 11
ALICE, BOB, CAROL = 1, 2, 3
DRAIN_SECONDS = 240.0
LEAVE_SECONDS = 200.0
"""Until the rows of the old bucket leave: by then they are replayed twice."""
SWEEP_SECONDS = 30.0
OUTAGE_MS = 600_000
VILLAGE = Village(people=100, follows=1_200, posts=2_000)
KINDS: tuple[type[Any], ...] = (FollowCreated, PostCreated, ReplyCreated)
REJECTED = 2
"""Of each kind of event, by a worker that was deployed wrong."""

pytestmark = [pytest.mark.e2e, pytest.mark.proof, pytest.mark.timeout(900)]


@pytest.fixture
def replays(pipeline: Pipeline) -> Replays:
    return Replays(pipeline)


class Times(NamedTuple):
    """Posts of three ages, and when rows of the middle one are to leave; milliseconds."""

    leaves: int
    retention_days: float
    ancient: Sequence[int]
    """So old that no row of them is written at all."""
    expired: Sequence[int]
    """Not shown any more, so fanned out to nobody: only their authors have a row of each, which is
    there until the bucket leaves."""
    young: Sequence[int]

    @classmethod
    def around(cls, now: int) -> "Times":
        bucket = (now - 40 * DAY_MS) // BUCKET_MS
        leaves = now + int(LEAVE_SECONDS * 1_000)
        return cls(
            leaves=leaves,
            retention_days=(leaves - (bucket + 2) * BUCKET_MS) / DAY_MS,
            ancient=[now - days * DAY_MS for days in range(90, 60, -3)],
            expired=[bucket * BUCKET_MS + hours * 3_600_000 for hours in range(0, 60, 3)],
            young=[now - days * DAY_MS for days in range(28, 0, -1)],
        )

    @property
    def all(self) -> list[int]:
        return [*self.ancient, *self.expired, *self.young]


def told(times: Iterable[int]) -> list[tuple[Message, int]]:
    """Carol follows both; alice posts and bob replies, each at its time."""
    began = min(times) - DAY_MS
    said: list[tuple[Message, int]] = [
        (FollowCreated(version=began * 1_000, follower_id=CAROL, followee_id=author), began)
        for author in (ALICE, BOB)
    ]
    above = PostId(0)
    for number, at in enumerate(times):
        words: dict[str, Any] = {
            "version": at * 1_000, "post_id": post_id(at, number), "text": f"the {number}th",
        }  # fmt: skip
        if number % 3:
            said.append((ReplyCreated(**words, author_id=BOB, parent_id=above), at))
        else:
            above = words["post_id"]
            said.append((PostCreated(**words, author_id=ALICE), at))
    return said


def entries(settings: Settings) -> Counter[int]:
    """How many entries homes have in each bucket."""
    query = f"SELECT bucket FROM {settings.cassandra_keyspace}.home_timeline"
    with session_on(settings) as session:
        return Counter(row[0] for row in session.execute(query, timeout=60))


def test_what_is_past_its_retention_stays_so(
    kafka: Reachable, cassandra: Reachable, tmp_path: Path, record: Record
) -> None:
    """A replay of what is too old shows none of it, and its rows leave when they were to leave.

    What is young lands in its own place, also in a store that has lost all homes.
    """
    times = Times.around(time.time_ns() // 1_000_000)
    pipeline = Pipeline(
        kafka.address, cassandra.port, tmp_path, retention_days=times.retention_days
    )
    try:
        empty_groups(kafka.address)
        pipeline.prepare()
        replay_what_is_old(pipeline, times, record)
    finally:
        pipeline.stop()


def replay_what_is_old(pipeline: Pipeline, times: Times, record: Record) -> None:
    said, settings, replays = told(times.all), pipeline.settings, Replays(pipeline)
    model = model_of(
        [message for message, _ in said],
        time.time_ns() // 1_000_000,
        int(times.retention_days * DAY_MS),
    )
    expired = times.expired[0] // BUCKET_MS
    pipeline.start_worker("live")
    sent = [Outgoing(*encode(message), timestamp=at) for message, at in said]
    pipeline.handle(sent, DRAIN_SECONDS)
    before = entries(settings)
    assert before[expired] == len(times.expired)
    assert not [bucket for bucket in before if bucket < expired]
    shown = compare_all(settings, model)
    assert shown > 0

    until = datetime.fromtimestamp((times.young[0] - 1) / 1_000, UTC).isoformat()
    path, plan = replays.plan("--until", until)
    assert plan["events"] == len(said) - len(times.young)
    assert replays.run(path)["over"]
    assert entries(settings) == before
    assert compare_all(settings, model) == shown

    lose(settings, *HOMES)
    replays.whole()
    assert entries(settings) == before
    spare = times.leaves / 1_000 - time.time()
    assert spare > 0, "too slow: the rows left before they were replayed"
    assert compare_all(settings, model) == shown

    pipeline.until(lambda: not entries(settings)[expired], time.monotonic() + spare + SWEEP_SECONDS)
    del before[expired]
    assert entries(settings) == before
    assert compare_all(settings, model) == shown
    record("older than retention", events=plan["events"], entries=shown)


def test_ten_minutes_wait_and_the_offsets_are_lost(pipeline: Pipeline, record: Record) -> None:
    """Scaled: what would have come in ten minutes, by its records' times, waits at once."""
    log = VILLAGE.seeded(SEED)
    half = len(log) // 2
    pipeline.start_worker("before")
    pipeline.handle(log[:half], DRAIN_SECONDS)
    pipeline.stop_worker("before")
    pipeline.forget_groups()
    began = time.time_ns() // 1_000_000 - OUTAGE_MS
    step = OUTAGE_MS / (len(log) - half)
    pipeline.publish(
        Outgoing(*encode(each), timestamp=began + int(number * step))
        for number, each in enumerate(log[half:])
    )
    waiting = pipeline.lag_of_all()
    assert waiting >= len(log)
    pipeline.start_worker("after")
    back = time.monotonic()
    pipeline.drain(DRAIN_SECONDS)
    seconds = time.monotonic() - back
    assert compare_all(pipeline.settings, model_of(log)) > 0
    record(
        "ten minutes and all offsets", events=len(log), messages_waiting=waiting,
        seconds_to_recover=round(seconds, 1),
    )  # fmt: skip


def test_dead_letters_are_replayed(pipeline: Pipeline, replays: Replays, record: Record) -> None:
    """A worker that was deployed wrong buried some of everything; no more than those are read."""
    log = HAMLET.seeded(SEED)
    doomed = [each for kind in KINDS for each in first_of(kind, log)]
    wrong = pipeline.start_faulty_worker("wrong", rejects=tuple(each.version for each in doomed))
    pipeline.handle(log, DRAIN_SECONDS)
    assert wrong.read("began")
    with pytest.raises(AssertionError):
        compare_all(pipeline.settings, model_of(log))
    path, plan = replays.plan("--dead-letters")
    assert plan["events"] == plan["chosen"] == len(doomed)
    done = replays.run(path)
    assert (done["over"], done["total"]) == (True, len(doomed))
    found = compare_all(pipeline.settings, model_of(log))
    record("dead letters replayed", letters=len(doomed), entries=found)


def first_of(kind: type[Any], log: Sequence[Message]) -> list[Message]:
    """Some events of a kind, none of which has its version with another one."""
    versions = Counter(each.version for each in log)
    alone = [each for each in log if isinstance(each, kind) and versions[each.version] == 1]
    return alone[:REJECTED]


def test_a_damaged_shard_is_found_and_mended(pipeline: Pipeline, record: Record) -> None:
    """Rows removed, doubled and altered behind the store's back, with its own time."""
    log = HAMLET.seeded(SEED + 1)
    pipeline.start_worker("live")
    pipeline.handle(log, DRAIN_SECONDS)
    model = model_of(log)
    shown = compare_all(pipeline.settings, model)
    pipeline.mingle("verify", "--users", "200")
    damaged = damage(pipeline.settings)
    with pytest.raises(AssertionError):
        compare_all(pipeline.settings, model)
    found = json.loads(pipeline.failing("verify", "--users", "200", "--json").splitlines()[0])
    assert found["homes"]["missing"]
    pipeline.mingle("rebuild", "--all")
    assert "0 missing, 0 extra" in pipeline.mingle("verify", "--users", "200")
    assert compare_all(pipeline.settings, model) == shown
    record("damaged shard", entries=shown, missing=found["homes"]["missing"], **damaged)


def damage(settings: Settings) -> dict[str, int]:
    """Of the fullest shard a third each is removed, doubled in another shard, and altered."""
    keys = ("bucket", "shard", "user_id", "post_id")
    table = f"{settings.cassandra_keyspace}.home_timeline"
    insert = f"INSERT INTO {table} ({', '.join(keys)}) VALUES (%s, %s, %s, %s)"
    remove = f"DELETE FROM {table} WHERE " + " AND ".join(f"{key} = %s" for key in keys)
    with session_on(settings) as session:
        rows = [tuple(row) for row in session.execute(f"SELECT {', '.join(keys)} FROM {table}")]
        (bucket, shard), _ = Counter(row[:2] for row in rows).most_common(1)[0]
        rows = [row for row in rows if row[:2] == (bucket, shard)]
        removed, doubled, altered = rows[::3], rows[1::3], rows[2::3]
        for row in (*removed, *altered):
            session.execute(remove, row)
        for _, _, user, post in altered:
            session.execute(insert, (bucket, shard, user, post + 1))
        for _, _, user, post in doubled:
            session.execute(insert, (bucket, shard + 1, user, post))
    return {"removed": len(removed), "doubled": len(doubled), "altered": len(altered)}
