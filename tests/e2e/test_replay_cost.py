"""What a replay costs beside live handling of the same events, on the Zipf scenario's people."""

import time
from collections.abc import Callable

import pytest
import uvloop

from loadtest.graph import Graph, make
from loadtest.scenario import load
from schemas.events import FollowCreated, PostCreated
from schemas.ids import UserId, Version, post_id
from servers.ports import free_run
from services.graph.edge import EdgeMutation
from services.settings import Settings
from streams.bootstrap import cassandra_stores, connect_store, create_metrics
from streams.publishing.pace import paced
from tests.e2e.outage import Site
from tests.e2e.pipeline import Pipeline
from tests.e2e.replays import DERIVED, Replays, lose

SCENARIO = "zipf-75-followers"
SCALE = 0.2
POSTS_EACH = 2
POSTS_PER_SECOND = 100
"""As they come live. In a burst live batches are as large as those of a replay."""
START = 1_420_000_000_000
"""Then each post is a second after the one before."""
EDGES_AT_ONCE = 20_000
LIVE_SECONDS = 400.0
RATIO = 3.0
"""Of store requests, which depend on no machine."""

pytestmark = [pytest.mark.e2e, pytest.mark.proof, pytest.mark.timeout(900)]


async def followed(settings: Settings, graph: Graph) -> None:
    """The follower lists are there, as after many follows."""
    store = await connect_store(settings, create_metrics())
    try:
        stores = cassandra_stores(store, settings)
        edges = list(zip(graph.followers.tolist(), graph.followees.tolist(), strict=True))
        for start in range(0, len(edges), EDGES_AT_ONCE):
            some = edges[start : start + EDGES_AT_ONCE]
            await stores.graph.record(
                [EdgeMutation(UserId(a), UserId(b), Version(1), removed=False) for a, b in some]
            )
    finally:
        await store.close()


def test_a_replay_needs_a_third_of_the_live_store_requests(
    pipeline: Pipeline, record_figures: Callable[..., None]
) -> None:
    """The same posts, live and replayed by one process each, into tables that are empty."""
    graph = make(load(SCENARIO).scaled(SCALE))
    authors = graph.groups["people"].tolist()
    uvloop.run(followed(pipeline.settings, graph))
    posts = [
        PostCreated(
            version=(START + n * 1_000) * 1_000, post_id=post_id(START + n * 1_000, n),
            author_id=author, text=f"the {n}th of so many posts with twelve words in all of them",
        )
        for n, author in enumerate(authors * POSTS_EACH)
    ]  # fmt: skip
    port = free_run(1)
    pipeline.start_worker("live", metrics_port=port)
    live = Site(port)
    pipeline.publish([FollowCreated(version=1, follower_id=1, followee_id=2)])
    pipeline.drain(LIVE_SECONDS)
    requests = live.total("timeline_store_request_seconds_count")
    written = live.total("timeline_fanout_entries_written_total")
    began = time.monotonic()
    pipeline.publish(paced(posts, POSTS_PER_SECOND))
    pipeline.drain(LIVE_SECONDS)
    live_seconds = time.monotonic() - began
    live_requests = live.total("timeline_store_request_seconds_count") - requests
    live_entries = live.total("timeline_fanout_entries_written_total") - written
    pipeline.workers["live"].terminate()
    assert pipeline.end_of("live", 30) == 0
    lose(pipeline.settings, *DERIVED, "posts")
    replays = Replays(pipeline)
    path, _ = replays.plan("--topic", "posts", "--topic", "replies")
    done = replays.run(path, "--live-lag", "0")
    assert done["entries"] == live_entries
    record_figures(
        "live and replayed",
        entries=int(live_entries),
        live_requests=int(live_requests),
        replay_requests=done["store_requests"],
        live_seconds=round(live_seconds, 1),
        replay_seconds=round(done["seconds"], 1),
    )
    assert live_requests >= RATIO * done["store_requests"]
