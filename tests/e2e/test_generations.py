"""A new generation on real servers: cutover and rollback under live traffic and readers."""

import json
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import httpx
import pytest

from schemas.codec import Message
from schemas.events import PostCreated
from schemas.ids import post_id
from servers.ports import first_free_port
from services.storage.generation_tables import FIRST
from tests.e2e.comparison import compare_all
from tests.e2e.pipeline import Pipeline, Record
from tests.e2e.village import START, Village, model_of

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


class Pager:
    """Somebody who walks through a home again and again, with pauses between his pages."""

    def __init__(self, url: str, user: int) -> None:
        self._url = f"{url}/v1/users/{user}/home"
        self.walks: list[Walk] = []
        self.failed: BaseException | None = None
        self._stopped = threading.Event()

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
            self._stopped.wait(0.02)

    def _go_on(self) -> None:
        try:
            with httpx.Client(timeout=SECONDS) as client:
                while not self._stopped.is_set():
                    self.walks.append(self.walk(client))
        except BaseException as error:
            self.failed = error
            raise

    @contextmanager
    def paging(self) -> Iterator["Pager"]:
        thread = threading.Thread(target=self._go_on)
        thread.start()
        try:
            yield self
        finally:
            self._stopped.set()
            thread.join(SECONDS)


class Traffic:
    """Posts of everybody, one after the other, until it is stopped."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.said: list[Message] = []
        self._pipeline = pipeline
        self._stopped = threading.Event()

    def _go_on(self) -> None:
        while not self._stopped.wait(BETWEEN_POSTS):
            number = FAMILY.posts + len(self.said)
            at = START + number * 60_000
            post = PostCreated(
                version=at * 1_000, post_id=post_id(at, number), text=f"the {number}th",
                author_id=1 + number % FAMILY.people,
            )  # fmt: skip
            self._pipeline.publish([post])
            self.said.append(post)

    @contextmanager
    def going_on(self) -> Iterator["Traffic"]:
        thread = threading.Thread(target=self._go_on)
        thread.start()
        try:
            yield self
        finally:
            self._stopped.set()
            thread.join(SECONDS)


def eventually(holds: Callable[[], bool], seconds: float = SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "not within its time"
        time.sleep(0.05)


class Site:
    """The API of a pipeline, and what it says."""

    def __init__(self, pipeline: Pipeline) -> None:
        port = first_free_port(1)
        self.url = f"http://127.0.0.1:{port}"
        pipeline.start_api("api", api_port=port, api_rate=0)
        eventually(self._is_ready)

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz").is_success
        except httpx.TransportError:
            return False


def listed(pipeline: Pipeline, *command: str) -> dict[str, Any]:
    known: dict[str, Any] = json.loads(pipeline.mingle("replay", *command, "--json"))
    return known


def test_cutover_and_rollback_under_live_traffic_with_someone_paging(
    pipeline: Pipeline, record: Record
) -> None:
    """No page and no walk lacks what was shown before, and in the end nothing lacks anything."""
    log: Sequence[Message] = FAMILY.log(random.Random(11))
    for name in ("live", "other"):
        pipeline.start_worker(name)
    pipeline.publish(log)
    pipeline.drain(DRAIN_SECONDS)
    model = model_of(log)
    reader = max(range(1, FAMILY.people + 1), key=lambda user: len(model.home(user)))
    shown = {item["post_id"] for item in model.home(reader)}
    site = Site(pipeline)
    path = str(pipeline.folder / "plan.json")
    pipeline.mingle("replay", "plan", "--into", NEW, "--out", path)
    assert f"no generation {NEW}" in pipeline.failing("replay", "cutover", NEW)
    with Pager(site.url, reader).paging() as pager, Traffic(pipeline).going_on() as traffic:
        pipeline.mingle("replay", "run", path, "--live-lag", "0")
        for command, generation in (
            (("cutover", NEW), NEW), (("rollback",), FIRST), (("cutover", NEW), NEW),
        ):  # fmt: skip
            assert listed(pipeline, *command)["live"] == generation
            eventually(lambda now=generation: pager.walks[-1].generations == _all(pager, now))
    assert pager.failed is None
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
    pipeline.publish(after := _one_more(len(traffic.said)))
    pipeline.drain(DRAIN_SECONDS)
    compare_all(pipeline.settings, model_of([*log, *traffic.said, *after]))
    crossed = [walk for walk in pager.walks if len(set(walk.generations)) > 1]
    record(
        "cutover and rollback", events=len(log) + len(traffic.said), entries=entries,
        walks=len(pager.walks), walks_across=len(crossed),
    )  # fmt: skip


def test_a_retired_generation_does_not_come_back_incomplete(pipeline: Pipeline) -> None:
    """Neither while a replay fills it nor by its plan; a new plan fills it wholly."""
    log: Sequence[Message] = FAMILY.log(random.Random(12))
    pipeline.start_worker("live")
    pipeline.publish(log)
    pipeline.drain(DRAIN_SECONDS)
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


def _one_more(number: int) -> list[Message]:
    number += FAMILY.posts
    at = START + number * 60_000
    return [PostCreated(version=at * 1_000, post_id=post_id(at, number), author_id=1, text="more")]
