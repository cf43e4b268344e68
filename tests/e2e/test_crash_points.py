"""A worker dies at an exact point of its work, and nothing is lost and nothing extra."""

import random
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from schemas.codec import Message
from schemas.events import FollowCreated
from streams.handlers import ROLES
from tests.e2e.comparison import compare_all
from tests.e2e.faults import Point
from tests.e2e.pipeline import READ, Pipeline
from tests.e2e.village import Village, model_of
from tests.e2e.witness import Witness

SEED = 4
PASSES = 5
"""The fault happens at one of so many first passages of its point."""
LOTS = 20
"""So many portions are published one after the other, so that there are many batches."""
END_SECONDS = 60.0
DRAIN_SECONDS = 300.0
SMALL = {"followers_a_page": 4, "entries_at_once": 100}
"""Bounds with which the fan-outs of a village have several pages and groups."""
HAMLET = Village(people=60, follows=600, posts=900)

SHORT: Sequence[Point] = ("after-write", "between-requests")
LONG: Sequence[Point] = (
    "before-write",
    "after-requests",
    "between-groups",
    "before-commit",
    "after-commit",
)

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("point", SHORT)
def test_a_worker_dies_at(
    pipeline: Pipeline, record_figures: Callable[..., None], point: Point
) -> None:
    """It has begun something and not finished it; after its restart everything is right."""
    record_figures(f"killed {point}", **die_and_recover(pipeline, point, HAMLET))


@pytest.mark.proof
@pytest.mark.timeout(900)
@pytest.mark.parametrize("point", [*SHORT, *LONG])
def test_under_load_a_worker_dies_at(
    pipeline: Pipeline, record_figures: Callable[..., None], point: Point
) -> None:
    """The same with thousands of events."""
    figures = die_and_recover(pipeline, point, Village())
    record_figures(f"killed {point}, under load", **figures)


def die_and_recover(pipeline: Pipeline, point: Point, village: Village) -> dict[str, Any]:
    """Two workers, one of which kills itself at the point; the figures of its recovery."""
    chance = random.Random(f"{SEED} {point}")
    log = village.log(chance)
    graph, load = portions_of(log)
    pipeline.start_faulty_worker("steady", **SMALL)
    with Witness(pipeline) as witness:
        pipeline.publish(graph)
        pipeline.drain(DRAIN_SECONDS)
        at = chance.randint(1, PASSES)
        journal = pipeline.start_faulty_worker("doomed", point=point, at=at, **SMALL)
        pipeline.until(lambda: all(pipeline.members(role).get("doomed") for role in ROLES))
        for lot in load:
            pipeline.publish(lot)
        assert pipeline.end_of("doomed", END_SECONDS) == -signal.SIGKILL
        assert [(each["point"], each["at"]) for each in journal.read("killed")] == [(point, at)]
        left = pipeline.lag_of_all()

        pipeline.start_worker("doomed")
        restarted = time.monotonic()
        pipeline.drain(DRAIN_SECONDS)
        seconds = time.monotonic() - restarted
    assert not witness.objections, witness.objections
    assert witness.judged == sum(sum(pipeline.ends(names).values()) for names in READ.values())
    entries = compare_all(pipeline.settings, model_of(log))
    assert entries > 0
    return {
        "events": len(log),
        "entries": entries,
        "unhandled_at_the_kill": left,
        "seconds_to_recover": round(seconds, 1),
    } | witness.figures()


def portions_of(log: list[Message]) -> tuple[list[Message], Iterator[list[Message]]]:
    """Most follows, which come first; then everything else, in lots."""
    follows = [each for each in log if isinstance(each, FollowCreated)]
    graph: list[Message] = [*follows[: len(follows) * 4 // 5]]
    first = set(map(id, graph))
    rest = [each for each in log if id(each) not in first]
    return graph, (rest[lot::LOTS] for lot in range(LOTS))
