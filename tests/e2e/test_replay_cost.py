"""What a replay costs beside live handling of the same events, on the Zipf scenario's people."""

import resource
import time
from typing import NamedTuple

import pytest
import uvloop

from loadtest.graph import Graph, make_graph
from loadtest.machine import listening_pid, usage
from loadtest.scenario import load_scenario
from schemas.events import FollowCreated
from schemas.ids import UserId, Version
from services.graph.edge import EdgeMutation
from services.settings.settings import Settings
from streams.pace import paced
from tests.e2e.comparison import connected
from tests.e2e.pipeline import Pipeline, Record
from tests.e2e.replays import DERIVED, Replays, lose
from tests.e2e.site import Site
from tests.e2e.village import START, post_at

SCENARIO = "zipf-75-followers"
SCALE = 0.2
POSTS_EACH = 6
POSTS_PER_SECOND = 100
"""As they come live. In a burst live batches are as large as those of a replay."""
EDGES_AT_ONCE = 20_000
LIVE_SECONDS = 400.0
RATIO = 3.0
"""Of store requests, which depend on no machine."""

pytestmark = [pytest.mark.e2e, pytest.mark.proof, pytest.mark.timeout(900)]


async def followed(settings: Settings, graph: Graph) -> None:
    """The follower lists are there, as after many follows."""
    async with connected(settings) as deps:
        edges = list(zip(graph.followers.tolist(), graph.followees.tolist(), strict=True))
        for start in range(0, len(edges), EDGES_AT_ONCE):
            some = edges[start : start + EDGES_AT_ONCE]
            await deps.stores.graph.record(
                [EdgeMutation(UserId(a), UserId(b), Version(1), removed=False) for a, b in some]
            )


class Cost(NamedTuple):
    """What entries took: store requests, and CPU seconds of who writes them and of Cassandra."""

    entries: float
    requests: float
    worker: float
    cassandra: float
    seconds: float

    def __sub__(self, other: "Cost") -> "Cost":
        return Cost(*(now - before for now, before in zip(self, other, strict=True)))

    def figures(self) -> dict[str, float]:
        return {
            "entries": int(self.entries),
            "requests per 1,000 entries": round(1e3 * self.requests / self.entries, 2),
            "worker's CPU, us per entry": round(1e6 * self.worker / self.entries, 1),
            "Cassandra's CPU, us per entry": round(1e6 * self.cassandra / self.entries, 1),
            "seconds": round(self.seconds, 1),
        }


def cassandra_seconds(settings: Settings) -> float:
    used = usage(listening_pid(settings.cassandra_port))
    return used.cpu_seconds if used else float("nan")


def so_far(live: Site, settings: Settings) -> Cost:
    """By a live worker, since it began."""
    return Cost(
        live.total("timeline_fanout_entries_written_total"),
        live.total("timeline_store_request_seconds_count"),
        live.total("process_cpu_seconds_total"),
        cassandra_seconds(settings),
        time.monotonic(),
    )


def test_a_replay_needs_a_third_of_the_live_store_requests(
    pipeline: Pipeline, record: Record
) -> None:
    """The same posts, live and replayed by one process each, into tables that are empty.

    Of CPU the figures tell, with all that starting the command takes; nothing is asserted of it.
    """
    graph = make_graph(load_scenario(SCENARIO).scaled(SCALE))
    authors = graph.groups["people"].tolist()
    uvloop.run(followed(pipeline.settings, graph))
    text = "the {}th of so many posts with twelve words in all of them"
    posts = [  # each a second after the one before
        post_at(START + n * 1_000, n, author, text=text.format(n))
        for n, author in enumerate(authors * POSTS_EACH)
    ]
    live = pipeline.start_site("live")
    pipeline.handle([FollowCreated(version=1, follower_id=1, followee_id=2)], LIVE_SECONDS)
    before = so_far(live, pipeline.settings)
    pipeline.handle(paced(posts, POSTS_PER_SECOND), LIVE_SECONDS)
    lived = so_far(live, pipeline.settings) - before
    pipeline.stop_worker("live")
    lose(pipeline.settings, *DERIVED, "posts")
    replays = Replays(pipeline)
    path, _ = replays.plan("--topic", "posts", "--topic", "replies")
    cassandra, own = cassandra_seconds(pipeline.settings), children_seconds()
    done = replays.run(path, "--live-lag", "0")
    replayed = Cost(
        done["entries"],
        done["store_requests"],
        children_seconds() - own,
        cassandra_seconds(pipeline.settings) - cassandra,
        done["seconds"],
    )
    record("live", **lived.figures())
    record("replayed", **replayed.figures())
    assert replayed.entries == lived.entries
    assert lived.requests >= RATIO * replayed.requests


def children_seconds() -> float:
    """CPU of the commands that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
