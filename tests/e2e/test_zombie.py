"""A worker that was frozen past its session writes its old effects last, and nothing changes.

It freezes itself when it has read and decided, and its writes are about to begin: a follow,
an edit and a creation. Another worker takes over, handles them too, and then what happened since:
an unfollow, a newer edit, a deletion. Then the frozen one goes on.
"""

import os
import signal
import time
from typing import Any

import pytest

from schemas.codec import Message
from schemas.events import (
    FollowCreated,
    FollowDeleted,
    PostCreated,
    PostDeleted,
    PostEdited,
    ReplyCreated,
)
from schemas.ids import post_id
from tests.e2e.comparison import compare_all
from tests.e2e.faults import Journal
from tests.e2e.offset_sampler import OffsetSampler
from tests.e2e.pipeline import Pipeline, Record
from tests.e2e.village import START, model_of
from tests.e2e.worker_processes import is_stopped

SESSION_SECONDS = 7.0  # the broker grants six at least
PATIENCE = 120.0
ALICE, BOB, CAROL = 1, 2, 3
EARLY, LATER, LATEST = (START + minutes * 60_000 for minutes in (0, 10, 20))
FIRST, SECOND, THIRD = post_id(EARLY, 1), post_id(EARLY, 2), post_id(LATER, 3)
FOLLOWED, EDITED, REPLIED = (LATER * 1_000 + each for each in (1, 2, 3))
AT_THE_FREEZE = (FOLLOWED, EDITED, REPLIED)
"""The versions of what the worker is about to write."""

BEFORE: list[Message] = [
    FollowCreated(version=EARLY * 1_000, follower_id=CAROL, followee_id=ALICE),
    PostCreated(version=EARLY * 1_000, post_id=FIRST, author_id=ALICE, text="hello"),
    PostCreated(version=EARLY * 1_000, post_id=SECOND, author_id=BOB, text="good evening"),
]
OLD: list[Message] = [
    FollowCreated(version=FOLLOWED, follower_id=CAROL, followee_id=BOB),
    PostEdited(version=EDITED, post_id=FIRST, author_id=ALICE, text="hello, all"),
    ReplyCreated(version=REPLIED, post_id=THIRD, author_id=ALICE, parent_id=FIRST, text="so"),
]
UNFOLLOW = FollowDeleted(version=LATEST * 1_000, follower_id=CAROL, followee_id=BOB)
NEWER_EDIT = PostEdited(version=LATEST * 1_000, post_id=FIRST, author_id=ALICE, text="hello, you")
DELETION = PostDeleted(version=LATEST * 1_000, post_id=THIRD, author_id=ALICE)

pytestmark = [pytest.mark.e2e, pytest.mark.proof, pytest.mark.timeout(600)]


def test_a_zombie_changes_nothing(pipeline: Pipeline, record: Record) -> None:
    """What it writes late loses against what is newer, and its commit does not go through."""
    newer: list[Message] = [UNFOLLOW, NEWER_EDIT, DELETION]
    with OffsetSampler(pipeline) as sampler:
        figures = freeze_and_thaw(pipeline, newer)
    assert not sampler.objections, sampler.objections
    assert not sampler.regressions
    assert compare_all(pipeline.settings, model_of([*BEFORE, *OLD, *newer])) > 0
    record("zombie", **figures)


@pytest.mark.parametrize("newer", [UNFOLLOW, NEWER_EDIT], ids=["follow", "edit"])
def test_a_zombie_that_writes_the_time_is_noticed(pipeline: Pipeline, newer: Message) -> None:
    """Negative control: with now() as write timestamp what is old comes back."""
    freeze_and_thaw(pipeline, [newer], clock_is_version=True)
    with pytest.raises(AssertionError):
        compare_all(pipeline.settings, model_of([*BEFORE, *OLD, newer]))


def freeze_and_thaw(pipeline: Pipeline, newer: list[Message], **variant: Any) -> dict[str, Any]:
    zombie = pipeline.start_faulty_worker(
        "zombie", freezes_before=AT_THE_FREEZE, session_seconds=SESSION_SECONDS, **variant
    )
    worker = pipeline.workers["zombie"]
    pipeline.handle(BEFORE, PATIENCE)
    pipeline.publish(OLD)
    pipeline.until(lambda: is_stopped(worker.pid))
    frozen = time.monotonic()
    assert zombie.read("frozen")[0]["versions"] == sorted(AT_THE_FREEZE)

    pipeline.start_faulty_worker("successor", session_seconds=SESSION_SECONDS, **variant)
    pipeline.until(lambda: pipeline.are_members(["successor"]))
    taken_over = time.monotonic() - frozen
    pipeline.handle(newer, PATIENCE)
    committed = pipeline.offsets("ingest")
    assert is_stopped(worker.pid)
    assert not zombie.read("wrote")

    commits = len(zombie.read("commit"))
    assert refused(zombie, commits) is None
    os.kill(worker.pid, signal.SIGCONT)
    pipeline.until(lambda: {each["version"] for each in zombie.read("wrote")} == set(AT_THE_FREEZE))
    pipeline.until(lambda: refused(zombie, commits) is not None)
    assert refused(zombie, commits)
    pipeline.until(lambda: pipeline.are_members(["zombie", "successor"]))
    pipeline.drain(PATIENCE)
    assert pipeline.offsets("ingest") == committed
    return {
        "seconds_frozen": round(time.monotonic() - frozen, 1),
        "seconds_to_take_over": round(taken_over, 1),
    }


def refused(zombie: Journal, before: int) -> bool | None:
    """Whether the first commit of the thawed worker was refused; None before there is one."""
    commits = zombie.read("commit")[before:]
    return next((not e["committed"] for e in commits if e["group"] == "mingle-ingest"), None)
