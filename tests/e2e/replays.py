"""Replays by the command line, and stores that have lost something."""

import json
from typing import Any

from services.settings.settings import Settings
from tests.contracts.conftest import session_on
from tests.e2e.pipeline import Pipeline

HOMES = ("home_timeline", "home_buckets", "home_reposts")
DERIVED = (*HOMES, "author_timeline", "children", "claims")
"""Tables of entries: what can be written again whatever became of them."""


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

    def ratio(self, path: str) -> float:
        """How far it is, by whomever."""
        done = json.loads(self._pipeline.said("replay", "status", path, "--json"))
        return float(done["ratio"])

    def whole(self) -> dict[str, Any]:
        """Plans and runs all that the log holds."""
        return self.run(self.plan()[0])
