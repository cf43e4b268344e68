"""What is drawn and alerted on is what a real Prometheus scrapes from a worker and an API."""

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from k8s.dashboards import DASHBOARDS
from k8s.grafana import select_namespace_and_role
from schemas.codec import Message
from schemas.events import FollowCreated, PostCreated, PostEdited, ReplyCreated
from schemas.ids import post_id
from servers.ports import first_free_port
from servers.process import wait_until
from streams.outbox import Outgoing
from tests.e2e.pipeline import Pipeline
from tests.e2e.site import Site
from tests.monitoring.conftest import rules
from tests.prometheus import program

ALICE, BOB = 1, 2
ANSWER_SECONDS = 60.0
DRAIN_SECONDS = 120.0
RATE_INTERVAL = "30s"
ONLY_IN_TROUBLE = (
    "timeline_partitions_unreadable",
    "timeline_sends_refused_total",
    "timeline_http_refusals_total",
)
"""Metrics that have no series before something is refused."""

pytestmark = [pytest.mark.e2e, pytest.mark.proof]


class Prometheus:
    """What Prometheus answers to queries."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def is_ready(self) -> bool:
        try:
            return self._client.get("/-/ready").is_success
        except httpx.TransportError:
            return False

    def series(self, query: str) -> int:
        """How many series the query returns; zero while no sample is in them."""
        return len(self._get("query", query)["result"])

    def selectors(self, query: str) -> Iterator[str]:
        """Every metric that the query selects, without its time."""
        yield from _selected(self._get("parse_query", query))

    def _get(self, path: str, query: str) -> Any:
        answer = self._client.get(f"/api/v1/{path}", params={"query": query})
        assert answer.is_success, (query, answer.text)
        return answer.json()["data"]


def _selected(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for each in node:
            yield from _selected(each)
    elif isinstance(node, dict):
        if node.get("type") in {"vectorSelector", "matrixSelector"}:
            matchers = [
                f'{each["name"]}{each["type"]}"{each["value"]}"' for each in node["matchers"]
            ]
            yield "{" + ",".join(matchers) + "}"
        for each in node.values():
            yield from _selected(each)


@contextmanager
def prometheus(folder: Path, targets: dict[str, int]) -> Iterator[Prometheus]:
    """A Prometheus with our rules that scrapes these ports every second."""
    port = first_free_port(1)
    jobs = [
        {"job_name": name, "static_configs": [
            {"targets": [f"127.0.0.1:{at}"], "labels": {"role": name, "pod": name}}]}
        for name, at in targets.items()
    ]  # fmt: skip
    every = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    (folder / "rules.yaml").write_text(yaml.safe_dump(rules()))
    configuration = {"global": every, "rule_files": ["rules.yaml"], "scrape_configs": jobs}
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(configuration))
    command = [
        str(program("prometheus")), f"--config.file={folder}/prometheus.yaml",
        f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{port}",
    ]  # fmt: skip
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}", timeout=ANSWER_SECONDS, trust_env=False
        ) as client:
            asked = Prometheus(client)
            assert wait_until(asked.is_ready, ANSWER_SECONDS), "Prometheus is not ready"
            yield asked
    finally:
        process.terminate()
        process.wait(ANSWER_SECONDS)


def test_every_query_returns_series(pipeline: Pipeline, tmp_path: Path) -> None:
    """Of dashboards and of rules, after a little of everything has happened."""
    program("prometheus")  # before anything is started
    worker, api = pipeline.start_site("worker"), pipeline.start_api("api")
    broken = pipeline.start_api("api-without-store", cassandra_port=first_free_port(1))
    verifier = pipeline.start_verifier("verifier")
    sites = {
        "worker": worker.port,
        "api": api.port,
        "broken": broken.port,
        "verifier": verifier.port,
    }
    with prometheus(tmp_path, sites) as asked:
        a_little_of_everything(pipeline, api, broken.url)
        drawn = [
            _with_variables(select_namespace_and_role(query.expression))
            for dashboard in DASHBOARDS
            for panel in dashboard.panels
            for query in panel.queries
        ]
        told = [rule["expr"] for group in rules()["groups"] for rule in group["rules"]]
        asked_for = set(drawn) | {each for expr in told for each in asked.selectors(expr)}
        assert len(asked_for) > len(drawn)
        waiting = {each for each in asked_for if not any(name in each for name in ONLY_IN_TROUBLE)}

        def all_return() -> bool:
            waiting.difference_update({each for each in waiting if asked.series(each)})
            return not waiting

        if not wait_until(all_return, ANSWER_SECONDS):
            pytest.fail("without series: " + "\n".join(sorted(waiting)))


def _with_variables(expression: str) -> str:
    """The query as Grafana asks it when all is chosen."""
    chosen = re.sub(r"\$__rate_interval", RATE_INTERVAL, expression)
    return re.sub(r"\$(namespace|role)\b", ".*", chosen)


def a_little_of_everything(pipeline: Pipeline, api: Site, broken: str) -> None:
    """Something for every metric to count: good and bad messages, answers, a stream."""
    now = int(time.time() * 1000)
    first, second = (post_id(now + number, number) for number in (1, 2))
    says = {"author_id": ALICE, "version": now * 1000, "text": "hello"}
    pipeline.handle([FollowCreated(follower_id=BOB, followee_id=ALICE, version=1)], DRAIN_SECONDS)
    messages: list[Message | Outgoing] = [
        PostCreated(post_id=first, **says),
        PostEdited(post_id=first, author_id=ALICE, version=now * 1000 + 2, text="hello again"),
        PostEdited(post_id=first, author_id=ALICE, version=now * 1000 + 1, text="hello late"),
        ReplyCreated(post_id=second, parent_id=post_id(now, 3), **says),
        Outgoing("posts", b"1", b"no message"),
    ]
    pipeline.handle(messages, DRAIN_SECONDS)
    with httpx.Client(timeout=ANSWER_SECONDS, trust_env=False) as client:
        assert wait_until(api.is_ready, ANSWER_SECONDS), "the API is not ready"
        home = client.get(f"{api.url}/v1/users/{BOB}/home").json()
        assert str(first) in {item["post_id"] for item in home["items"]}
        assert client.get(f"{broken}/v1/users/{BOB}/home").status_code == 503
        with client.stream("GET", f"{api.url}/v1/users/{BOB}/home/stream") as stream:
            third = PostCreated(post_id=post_id(now + 3, 4), **says)
            pipeline.publish([third])
            assert any(line == "event: entry" for line in stream.iter_lines())
