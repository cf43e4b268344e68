"""Nothing lost, nothing extra: workers end while they work, and what is shown is F(log)."""

import random
import signal
import time

import pytest

from tests.e2e.comparison import compare_all
from tests.e2e.offset_sampler import OffsetSampler
from tests.e2e.pipeline import Pipeline, Record
from tests.e2e.village import Village, model_of

SEED = 4
KILLS = 4
DRAIN_SECONDS = 600.0
TERM_SECONDS = 10.0

pytestmark = pytest.mark.e2e


@pytest.mark.proof
@pytest.mark.timeout(1_200)
def test_workers_killed_at_random(pipeline: Pipeline, record: Record) -> None:
    """SIGKILL of either worker, four times under load: 0 missing, 0 extra."""
    chance = random.Random(SEED)
    log = Village().log(chance)
    names = ["a", "b"]
    for name in names:
        pipeline.start_worker(name)
    busy = 0
    with OffsetSampler(pipeline) as sampler:
        for kill in range(KILLS):
            pipeline.publish(log[kill::KILLS])
            handled = pipeline.committed()
            pipeline.until(lambda handled=handled: pipeline.committed() > handled)
            victim = chance.choice(names)
            assert pipeline.kill(victim) == -signal.SIGKILL
            busy += pipeline.lag_of_all() > 0
            pipeline.start_worker(victim)
        restarted = time.monotonic()
        pipeline.drain(DRAIN_SECONDS)
        seconds = time.monotonic() - restarted
    assert busy, "none died with anything to do"
    assert not sampler.objections, sampler.objections
    entries = compare_all(pipeline.settings, model_of(log))
    assert entries > 0
    record(
        "killed at random", kills=KILLS, killed_with_work_left=busy, events=len(log),
        entries=entries, seconds_to_recover=round(seconds, 1), **sampler.figures(),
    )  # fmt: skip


def test_a_worker_told_to_stop_under_load(pipeline: Pipeline, record: Record) -> None:
    """SIGTERM: exit code 0 within ten seconds, and what it left is done by its successor."""
    log = Village(people=40, follows=1_000, posts=1_500).log(random.Random(SEED))
    pipeline.start_worker("a")
    with OffsetSampler(pipeline) as sampler:
        pipeline.until(lambda: bool(pipeline.members("ingest")))
        pipeline.publish(log[::2])
        pipeline.until(lambda: pipeline.committed() > 0)
        pipeline.publish(log[1::2])
        seconds = pipeline.stop_worker("a", TERM_SECONDS)
        left = pipeline.lag_of_all()
        assert left, "it had nothing left to do"
        pipeline.start_worker("a")
        restarted = time.monotonic()
        pipeline.drain(DRAIN_SECONDS)
        recovered = time.monotonic() - restarted
    assert not sampler.objections, sampler.objections
    assert compare_all(pipeline.settings, model_of(log)) > 0
    record(
        "told to stop under load", events=len(log), unhandled_at_the_end=left,
        seconds_to_stop=seconds, seconds_to_recover=round(recovered, 1),
    )  # fmt: skip
