"""A name has one worker: of two the younger ends, and a restart takes the name at once."""

import time
from collections.abc import Sequence

import pytest

from schemas.codec import Message
from tests.e2e.comparison import compare_all
from tests.e2e.pipeline import Pipeline, Record
from tests.e2e.village import HAMLET, model_of

SEED = 18
NAME = "twin"
END_SECONDS = 60.0
"""For the younger on a busy machine: each notices with a heartbeat, and settles. Else 8 s."""
DRAIN_SECONDS = 120.0
SESSION_SECONDS = 30.0
FEW_LINES = 25
"""Of a log in which both noticed once in every role; they wrote 60 a second before."""
PARTS = 4

pytestmark = pytest.mark.e2e


def test_a_name_has_one_worker(pipeline: Pipeline, record: Record) -> None:
    """Two begin together: one ends, and says why; so does a third. The one that stays delivers.

    When it is killed, or still stopping, its successor takes the name within the session.
    """
    log = HAMLET.seeded(SEED)
    begin(pipeline, "one", "other")
    pipeline.publish(log[::PARTS])
    loser = first_to_end(pipeline)
    assert pipeline.end_of(loser, END_SECONDS) == 1
    (stays,) = pipeline.workers
    pipeline.until(lambda: pipeline.are_members([NAME]))

    pipeline.publish(log[1::PARTS])
    began = time.monotonic()
    begin(pipeline, "third")
    assert pipeline.end_of("third", END_SECONDS) == 1
    ended = time.monotonic() - began
    pipeline.drain(DRAIN_SECONDS)
    for name in (loser, "third"):
        (line,) = [each for each in lines(pipeline, name) if "MINGLE_WORKER_NAME" in each]
        assert f"'{NAME}'" in line
    assert max(len(lines(pipeline, each)) for each in (loser, stays, "third")) < FEW_LINES

    pipeline.kill(stays)
    killed = seconds_to_take_over(pipeline, "successor", log[2::PARTS])
    pipeline.workers["successor"].terminate()
    stopped = seconds_to_take_over(pipeline, "last", log[3::PARTS])
    assert max(killed, stopped) < SESSION_SECONDS, "the name was free only after the session"
    pipeline.drain(DRAIN_SECONDS)
    assert compare_all(pipeline.settings, model_of(log)) > 0
    record(
        "one name", seconds_to_the_end_of_the_younger=round(ended, 1),
        seconds_after_a_kill=round(killed, 1), seconds_after_a_stop=round(stopped, 1),
    )  # fmt: skip


def begin(pipeline: Pipeline, *processes: str) -> None:
    for each in processes:
        pipeline.start_worker(each, worker_name=NAME)


def seconds_to_take_over(pipeline: Pipeline, process: str, log: Sequence[Message]) -> float:
    """Until the first commit of a worker that begins while its predecessor is stopping or dead."""
    began = time.monotonic()
    begin(pipeline, process)
    for name in pipeline.workers.keys() - {process}:
        assert pipeline.end_of(name, END_SECONDS) == 0
    handled = pipeline.committed()
    pipeline.publish(log)
    pipeline.until(lambda: pipeline.committed() > handled)
    return time.monotonic() - began


def first_to_end(pipeline: Pipeline) -> str:
    deadline = time.monotonic() + 2 * END_SECONDS
    while True:
        for name, worker in pipeline.workers.items():
            if worker.poll() is not None:
                return name
        assert time.monotonic() < deadline, "both still run"
        time.sleep(0.1)


def lines(pipeline: Pipeline, process: str) -> list[str]:
    return (pipeline.folder / f"{process}.log").read_text().splitlines()
