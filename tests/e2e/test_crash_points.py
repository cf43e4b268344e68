"""A worker dies at an exact point of its work, and nothing is lost and nothing extra."""

import random
import signal
import time
from collections.abc import Mapping, Sequence
from typing import Any, get_args

import pytest

from schemas.codec import Message
from schemas.events import FollowCreated
from tests.e2e.comparison import compare_all
from tests.e2e.faults import Journal, Point
from tests.e2e.offset_sampler import OffsetSampler
from tests.e2e.pipeline import Pipeline, Record
from tests.e2e.village import HAMLET, Village, model_of

SEED = 4
PASSES = 5
"""The fault happens at one of so many first passages of its point."""
LOTS = 12
"""So many portions are published one after the other, so that there are many batches."""
END_SECONDS = 180.0
DRAIN_SECONDS = 300.0
SMALL = {"followers_a_page": 4, "entries_at_once": 8}
"""Bounds with which the fan-outs of a village have several pages and groups."""
SOME_AT_ONCE = {"deliver_at_once": 6}
"""A page or two of each batch are delivered with it, the others through Kafka."""
VILLAGE = Village(people=100, follows=1_500, posts=2_000)

pytestmark = pytest.mark.e2e


def test_both_workers_die(pipeline: Pipeline, record: Record) -> None:
    """One with a write done and not acknowledged, one with half of a fan-out asked for."""
    doomed: dict[str, Point] = {"a": "after-write", "b": "between-requests"}
    record("both killed", **die_and_recover(pipeline, doomed, HAMLET))


@pytest.mark.proof
@pytest.mark.timeout(900)
@pytest.mark.parametrize("point", get_args(Point))
def test_one_of_two_workers_dies(pipeline: Pipeline, record: Record, point: Point) -> None:
    """Under a load of thousands of events, at each of the points."""
    figures = die_and_recover(pipeline, {"a": point, "b": None}, VILLAGE)
    record(f"killed {point}", **figures)


@pytest.mark.proof
@pytest.mark.timeout(900)
def test_a_loss_is_noticed(pipeline: Pipeline) -> None:
    """Negative control: what acknowledges first and then dies is seen by sampler and model."""
    log = HAMLET.seeded(SEED)
    journal = pipeline.start_faulty_worker("a", point="after-commit", acks_unhandled=True)
    pipeline.until(lambda: bool(pipeline.members("ingest").get("a")))
    with OffsetSampler(pipeline) as sampler:
        pipeline.publish(log)
        assert pipeline.end_of("a", END_SECONDS) == -signal.SIGKILL
        assert journal.read("killed")
        pipeline.start_worker("a")
        pipeline.drain(DRAIN_SECONDS)
    assert sampler.objections
    with pytest.raises(AssertionError):
        compare_all(pipeline.settings, model_of(log))


def die_and_recover(
    pipeline: Pipeline, doomed: Mapping[str, Point | None], village: Village
) -> dict[str, Any]:
    """Workers that kill themselves under load, each at its point; figures of the recovery."""
    chance = random.Random(f"{SEED} {doomed}")
    log = village.log(chance)
    victims: dict[str, Journal] = {}
    for name, point in doomed.items():
        at = chance.randint(1, PASSES)
        journal = pipeline.start_faulty_worker(name, SOME_AT_ONCE, point=point, at=at, **SMALL)
        if point:
            victims[name] = journal
    pipeline.until(lambda: pipeline.are_members(doomed))
    with OffsetSampler(pipeline) as sampler:
        for lot in lots(log):
            pipeline.publish(lot)
        for name, journal in victims.items():
            assert pipeline.end_of(name, END_SECONDS) == -signal.SIGKILL
            assert [each["point"] for each in journal.read("killed")] == [doomed[name]]
        left = pipeline.lag_of_all()
        assert left, "none died with anything to do"
        for name in victims:
            pipeline.start_worker(name)
        restarted = time.monotonic()
        pipeline.drain(DRAIN_SECONDS)
        seconds = time.monotonic() - restarted
    assert not sampler.objections, sampler.objections
    assert sampler.has_judged_all()
    entries = compare_all(pipeline.settings, model_of(log))
    assert entries > 0
    return {
        "events": len(log),
        "entries": entries,
        "unhandled_at_the_kill": left,
        "seconds_to_recover": round(seconds, 1),
    } | sampler.figures()


def lots(log: Sequence[Message]) -> list[list[Message]]:
    """Most follows first, so that posts have fan-outs; then everything else."""
    follows: list[Message] = [each for each in log if isinstance(each, FollowCreated)]
    first = follows[: len(follows) * 4 // 5]
    early = set(map(id, first))
    rest = [each for each in log if id(each) not in early]
    return [first, *(rest[lot::LOTS] for lot in range(LOTS))]
