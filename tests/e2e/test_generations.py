"""A new generation on real servers: cutover and rollback under live traffic and readers."""

import json
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import httpx
import pytest

from schemas.codec import Message
from servers.process import wait_until
from services.storage.generation_tables import FIRST
from tests.e2e.background import BackgroundThread
from tests.e2e.comparison import compare_all
from tests.e2e.pipeline import Pipeline, Record
from tests.e2e.village import START, Village, model_of, post_at

FAMILY = Village(people=12, follows=80, posts=100)
DRAIN_SECONDS = 240.0
RUN_SECONDS = 240.0
SECONDS = 120.0
"""For what takes a second on a machine that has nothing else to do."""
BETWEEN_POSTS = 0.2
PAGE = 7
NEW = "second"

pytestmark = [pytest.mark.e2e, pytest.mark.proof, pytest.mark.timeout(900)]


class Walk(NamedTuple):
    """All pages of a home, from the newest to the oldest, by their cursors."""

    generations: list[str]
    posts: list[int]


class Pager(BackgroundThread):
    """Somebody who walks through a home again and again, with pauses between their pages."""

    def __init__(self, url: str, user: int) -> None:
        super().__init__()
        self._url = f"{url}/v1/users/{user}/home"
        self.walks: list[Walk] = []

    def walk(self, client: httpx.Client) -> Walk:
        walk, cursor = Walk([], []), None
        while True:
            asked = {"limit": PAGE, "hydrate": "false"} | ({"before": cursor} if cursor else {})
            page = client.get(self._url, params=asked).raise_for_status().json()
            walk.generations.append(page["generation"])
            walk.posts.extend(map(int, page["items"]))
            cursor = page["next"]
            if cursor is None:
                return walk
            self.leaving.wait(0.02)

    def work(self) -> None:
        with httpx.Client(timeout=SECONDS) as client:
            while not self.leaving.is_set():
                self.walks.append(self.walk(client))


class Traffic(BackgroundThread):
    """Posts of everybody, one after the other, until it is stopped."""

    def __init__(self, pipeline: Pipeline) -> None:
        super().__init__()
        self.said: list[Message] = []
        self._pipeline = pipeline

    def work(self) -> None:
        while not self.leaving.wait(BETWEEN_POSTS):
            post = numbered(len(self.said))
            self._pipeline.publish([post])
            self.said.append(post)


def numbered(number: int) -> Message:
    """The post so many after those of the family."""
    number += FAMILY.posts
    return post_at(START + number * 60_000, number, 1 + number % FAMILY.people)


def eventually(holds: Callable[[], bool]) -> None:
    assert wait_until(holds, SECONDS), "not within its time"


def listed(pipeline: Pipeline, *command: str) -> dict[str, Any]:
    known: dict[str, Any] = json.loads(pipeline.mingle("replay", *command, "--json"))
    return known


def test_cutover_and_rollback_under_live_traffic_with_someone_paging(
    pipeline: Pipeline, record: Record
) -> None:
    """No page and no walk lacks what was shown before, and in the end nothing lacks anything."""
    log = FAMILY.seeded(11)
    for name in ("live", "other"):
        pipeline.start_worker(name)
    pipeline.handle(log, DRAIN_SECONDS)
    model = model_of(log)
    reader = max(range(1, FAMILY.people + 1), key=lambda user: len(model.home(user)))
    shown = {item["post_id"] for item in model.home(reader)}
    site = pipeline.start_api("api", api_rate=0)
    eventually(site.is_ready)
    path = str(pipeline.folder / "plan.json")
    pipeline.mingle("replay", "plan", "--into", NEW, "--out", path)
    assert f"no generation {NEW}" in pipeline.failing("replay", "cutover", NEW)
    with Pager(site.url, reader) as pager, Traffic(pipeline) as traffic:
        pipeline.mingle("replay", "run", path, "--live-lag", "0")
        for command, generation in (
            (("cutover", NEW), NEW), (("rollback",), FIRST), (("cutover", NEW), NEW),
        ):  # fmt: skip
            assert listed(pipeline, *command)["live"] == generation
            eventually(lambda now=generation: pager.walks[-1].generations == _all(pager, now))
    assert {each for walk in pager.walks for each in walk.generations} == {FIRST, NEW}
    for walk in pager.walks:
        assert walk.posts == sorted(set(walk.posts), reverse=True)
        assert shown <= set(walk.posts)
    pipeline.drain(DRAIN_SECONDS)
    said_by_all = model_of([*log, *traffic.said])
    entries = compare_all(pipeline.settings, said_by_all)
    assert listed(pipeline, "rollback")["live"] == FIRST
    assert compare_all(pipeline.settings, said_by_all) == entries
    assert listed(pipeline, "cutover", NEW)["live"] == NEW
    known = listed(pipeline, "retire", FIRST)
    assert [each["name"] for each in known["listed"]] == [NEW]
    assert json.loads(pipeline.mingle("replay", "verify", path, "--fully", "--json"))["compared"]
    pipeline.handle([after := numbered(len(traffic.said))], DRAIN_SECONDS)
    compare_all(pipeline.settings, model_of([*log, *traffic.said, after]))
    crossed = [walk for walk in pager.walks if len(set(walk.generations)) > 1]
    record(
        "cutover and rollback", events=len(log) + len(traffic.said), entries=entries,
        walks=len(pager.walks), walks_across=len(crossed),
    )  # fmt: skip


def test_a_retired_generation_does_not_come_back_incomplete(pipeline: Pipeline) -> None:
    """Neither while a replay fills it nor by its plan; a new plan fills it wholly."""
    log = FAMILY.seeded(12)
    pipeline.start_worker("live")
    pipeline.handle(log, DRAIN_SECONDS)
    plan, again = (str(pipeline.folder / f"{name}.json") for name in ("plan", "again"))
    pipeline.mingle("replay", "plan", "--into", NEW, "--out", plan)
    filling = threading.Thread(
        target=pipeline.said, args=("replay", "run", plan, "--rate", "5", "--live-lag", "0")
    )
    filling.start()
    status = ("replay", "status", plan, "--json")
    eventually(lambda: json.loads(pipeline.said(*status))["done"] > 0)
    assert "stop `mingle replay run` first" in pipeline.failing("replay", "retire", NEW)
    filling.join(RUN_SECONDS)
    assert json.loads(pipeline.mingle(*status))["over"]
    pipeline.mingle("replay", "retire", NEW)
    for command in ("run", "status"):
        assert "which voids its plan" in pipeline.failing("replay", command, plan)
    assert f"no generation {NEW}" in pipeline.failing("replay", "cutover", NEW)
    pipeline.mingle("replay", "plan", "--into", NEW, "--out", again)
    pipeline.mingle("replay", "run", again, "--live-lag", "0")
    assert listed(pipeline, "cutover", NEW)["live"] == NEW
    compare_all(pipeline.settings, model_of(log))


def _all(pager: Pager, generation: str) -> list[str]:
    return [generation] * len(pager.walks[-1].generations)
