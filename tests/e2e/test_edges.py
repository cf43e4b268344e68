"""The log has lost its follows: the snapshot of edges stands in for them, on real servers."""

import json

import pytest

from schemas.events import FollowCreated, FollowDeleted
from tests.e2e.comparison import compare_all
from tests.e2e.pipeline import Pipeline, Record
from tests.e2e.replays import Replays, all_tables, lose
from tests.e2e.village import Village, model_of

SEED = 11
FAMILY = Village(people=15, follows=100, posts=60)
DRAIN_SECONDS = 240.0

pytestmark = [pytest.mark.e2e, pytest.mark.proof]


def test_lost_follows_come_back_from_the_snapshot(pipeline: Pipeline, record: Record) -> None:
    """All of what a snapshot had is let go of by Kafka, then the store loses everything.

    Edges change after the snapshot, too. A store without edges makes no snapshot that counts; what
    one partition let go of beyond the snapshot is listed, and wants --accept-loss.
    """
    log = FAMILY.seeded(SEED)
    replays = Replays(pipeline)
    pipeline.start_worker("live")
    pipeline.handle(log[: len(log) * 2 // 3], DRAIN_SECONDS)
    kept = json.loads(pipeline.mingle("replay", "snapshot-edges", "--json"))
    pairs = {
        (each.follower_id, each.followee_id)
        for each in log[: len(log) * 2 // 3]
        if isinstance(each, FollowCreated | FollowDeleted)
    }
    assert kept["edges"] == len(pairs)
    again = json.loads(pipeline.mingle("replay", "snapshot-edges", "--rate", "500", "--json"))
    assert again == kept
    pipeline.handle(log[len(log) * 2 // 3 :], DRAIN_SECONDS)
    entries = compare_all(pipeline.settings, model_of(log))
    pipeline.kill("live")
    for partition, offset in enumerate(kept["handled"]):
        pipeline.truncate("follows", partition, offset)
    lose(pipeline.settings, *all_tables(pipeline.settings))
    assert "the store has 0 edges" in pipeline.failing("replay", "snapshot-edges")
    path, plan = replays.plan()
    assert {each["topic"] for each in plan["lost"]} == {"follows"}
    assert plan["edges"]["handled"] == kept["handled"]
    assert replays.run(path)["over"]
    assert compare_all(pipeline.settings, model_of(log)) == entries
    assert json.loads(pipeline.mingle("replay", "verify", path, "--fully", "--json"))["compared"]
    ends = {each["partition"]: each["end"] for each in plan["sources"]
            if each["topic"] == "follows"}  # fmt: skip
    cut = next(number for number, end in ends.items() if end > kept["handled"][number] > 0)
    pipeline.truncate("follows", cut, ends[cut])
    refused = pipeline.failing("replay", "run", replays.plan()[0])
    assert f"follows:{cut} offsets {kept['handled'][cut]:,} to {ends[cut] - 1:,}" in refused
    assert "--accept-loss" in refused
    record("follows lost, edges from their snapshot", edges=len(pairs), events=len(log))
