"""Replays on real servers: planned, run, killed, shared, proven right at the end."""

import json
import signal
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from schemas.codec import Message
from tests.e2e.comparison import compare_all
from tests.e2e.pipeline import Pipeline, Record
from tests.e2e.replays import DERIVED, HOMES, Replays, all_tables, lose
from tests.e2e.village import HAMLET, Village, model_of

SEED = 7
FAMILY = Village(people=15, follows=100, posts=120)
DRAIN_SECONDS = 240.0
RUN_SECONDS = 240.0

pytestmark = pytest.mark.e2e


@pytest.fixture
def replays(pipeline: Pipeline) -> Replays:
    return Replays(pipeline)


@pytest.fixture
def log(pipeline: Pipeline) -> Sequence[Message]:
    """A family's history, handled by a worker."""
    log = FAMILY.seeded(SEED)
    pipeline.start_worker("live")
    pipeline.handle(log, DRAIN_SECONDS)
    return log


def test_all_is_replayed_into_a_store_that_lost_everything(
    pipeline: Pipeline,
    replays: Replays,
    log: Sequence[Message],
    record: Record,
) -> None:
    """And once more into one that has it all, which changes nothing; `verify` proves both."""
    model = model_of(log)
    entries = compare_all(pipeline.settings, model)
    lose(pipeline.settings, *all_tables(pipeline.settings))
    path, plan = replays.plan()
    assert plan["events"] == plan["chosen"] == len(log)
    done = replays.run(path)
    assert (done["over"], done["total"]) == (True, len(log))
    assert compare_all(pipeline.settings, model) == entries
    assert json.loads(pipeline.mingle("replay", "verify", path, "--fully", "--json"))["compared"]
    replays.whole()
    assert compare_all(pipeline.settings, model) == entries
    assert pipeline.mingle("replay", "status", path)
    assert "0 missing, 0 extra" in pipeline.mingle("verify", "--users", "20")
    record("all replayed", events=len(log), deliveries=plan["deliveries"])


@pytest.mark.proof
def test_a_replay_that_is_killed_is_shared_and_goes_on_while_live_events_come(
    pipeline: Pipeline, replays: Replays, record: Record
) -> None:
    """The first half of a log, into a store that lost its entries, while the other half arrives.

    One process is killed half way, two others do the rest.
    """
    log = HAMLET.seeded(SEED + 1)
    half = len(log) // 2
    pipeline.start_worker("live")
    pipeline.handle(log[:half], DRAIN_SECONDS)
    lose(pipeline.settings, *DERIVED)
    pipeline.kill("live")  # what it remembers of the lost tables goes with it
    pipeline.start_worker("live-again")
    path, plan = replays.plan()
    first = pipeline.start("first", "replay", "run", path, "--rate", "10", "--live-lag", "0")
    pipeline.until(lambda: 0 < replays.ratio(path) < 1)
    first.kill()
    assert first.wait(30) == -signal.SIGKILL
    del pipeline.workers["first"]
    at_the_kill = replays.ratio(path)
    assert at_the_kill < 1
    others = [pipeline.start(name, "replay", "run", path) for name in ("second", "third")]
    pipeline.publish(log[half:])
    for name, other in zip(("second", "third"), others, strict=True):
        assert other.wait(RUN_SECONDS) == 0
        del pipeline.workers[name]
    pipeline.drain(DRAIN_SECONDS)
    assert compare_all(pipeline.settings, model_of(log)) > 0
    record("replay killed and shared", events=plan["events"], done_at_the_kill=at_the_kill)


@pytest.mark.proof
def test_what_the_log_let_go_of_is_said_loudly(
    pipeline: Pipeline, replays: Replays, log: Sequence[Message]
) -> None:
    """A plan that needs deleted records is not run without a word, and what the store has stays.

    Homes come back from the store's own posts.
    """
    model = model_of(log)
    path, plan = replays.plan()
    cut = next(source for source in plan["sources"] if source["topic"] == "posts"
               and source["end"] > 2)  # fmt: skip
    pipeline.truncate(cut["topic"], cut["partition"], 2)
    refused = pipeline.failing("replay", "run", path)
    assert "WARNING" in refused
    assert f"posts:{cut['partition']} begins at offset 2" in refused
    assert "--accept-loss" in refused
    _, anew = replays.plan()
    assert anew["lost"] == [{"topic": "posts", "partition": cut["partition"], "before": 2}]
    assert replays.run(path, "--accept-loss")["over"]
    entries = compare_all(pipeline.settings, model)
    lose(pipeline.settings, *HOMES)
    pipeline.mingle("rebuild", "--all")
    assert compare_all(pipeline.settings, model) == entries


@pytest.mark.proof
def test_offsets_that_are_lost_are_a_replay_of_everything(
    pipeline: Pipeline, log: Sequence[Message]
) -> None:
    """The live groups are deleted: their workers begin at the beginning, and nothing changes."""
    model = model_of(log)
    entries = compare_all(pipeline.settings, model)
    pipeline.stop_worker("live")
    pipeline.forget_groups()
    assert pipeline.lag_of_all() >= 2 * len(log)
    pipeline.start_worker("anew")
    pipeline.drain(DRAIN_SECONDS)
    assert compare_all(pipeline.settings, model) == entries


@pytest.mark.proof
def test_times_and_parts_are_replayed(pipeline: Pipeline, replays: Replays) -> None:
    """A range by Kafka's own times: what came before and after it is left out."""
    log = HAMLET.seeded(SEED + 2)
    pipeline.publish(log[:100])
    middle = time.time_ns() // 1_000_000 + 1
    pipeline.until(lambda: time.time_ns() // 1_000_000 > middle)
    pipeline.publish(log[100:250])
    since = datetime.fromtimestamp(middle / 1_000, UTC).isoformat()
    _, plan = replays.plan("--since", since)
    assert plan["events"] == 150
    path, plan = replays.plan("--until", since)
    assert plan["events"] == 100
    assert replays.run(path)["over"]
    assert compare_all(pipeline.settings, model_of(log[:100])) >= 0
