"""Replays on real servers: planned, run, killed, shared, proven right at the end."""

import json
import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from schemas.codec import Message
from services.settings import Settings
from tests.contracts.conftest import session_on
from tests.e2e.comparison import compare_all
from tests.e2e.pipeline import Pipeline
from tests.e2e.village import HAMLET, model_of

SEED = 7
DERIVED = ("home_timeline", "home_buckets", "home_reposts", "author_timeline", "children", "claims")
"""Tables of entries: what can be written again whatever became of them."""
DRAIN_SECONDS = 240.0
RUN_SECONDS = 240.0

pytestmark = pytest.mark.e2e


def lose(settings: Settings, *tables: str) -> None:
    """All that is in them is gone."""
    with session_on(settings) as session:
        for table in tables:
            session.execute(f"TRUNCATE {settings.cassandra_keyspace}.{table}", timeout=60)


def all_tables(settings: Settings) -> list[str]:
    with session_on(settings) as session:
        tables = session.cluster.metadata.keyspaces[settings.cassandra_keyspace].tables
        return [each for each in tables if not each.startswith("schema_")]


class Replays:
    """Plans in files, and `mingle replay` on them."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._count = 0

    def plan(self, *arguments: str) -> tuple[str, dict[str, Any]]:
        self._count += 1
        path = str(self._pipeline.folder / f"plan-{self._count}.json")
        said = self._pipeline.mingle("replay", "plan", "--out", path, "--json", *arguments)
        return path, json.loads(said)

    def run(self, path: str, *arguments: str) -> dict[str, Any]:
        done: dict[str, Any] = json.loads(
            self._pipeline.mingle("replay", "run", path, "--json", *arguments)
        )
        return done

    def whole(self) -> dict[str, Any]:
        """Plans and runs all that the log holds."""
        return self.run(self.plan()[0])


@pytest.fixture
def replays(pipeline: Pipeline) -> Replays:
    return Replays(pipeline)


@pytest.fixture
def log(pipeline: Pipeline) -> Sequence[Message]:
    """A hamlet's history, handled by a worker."""
    log = HAMLET.log(random.Random(SEED))
    pipeline.start_worker("live")
    pipeline.publish(log)
    pipeline.drain(DRAIN_SECONDS)
    return log


def test_all_is_replayed_into_a_store_that_lost_everything(
    pipeline: Pipeline,
    replays: Replays,
    log: Sequence[Message],
    record_figures: Callable[..., None],
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
    record_figures("all replayed", events=len(log), deliveries=plan["deliveries"])
