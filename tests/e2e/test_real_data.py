"""Real follows, posts and threads through real Kafka, Faust and Cassandra, read back whole."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import msgspec
import pytest
import uvloop

from schemas.codec import Message
from schemas.ids import PostId, UserId
from servers.server import Reachable
from services.conversations.thread import Threads
from services.item import Item
from services.listing import PageRequest
from services.reading import Reader
from services.settings import Settings
from services.timelines.home import Home
from streams.bootstrap import Deps, cassandra_stores, connect_store, create_metrics
from streams.handlers import ROLES
from streams.publishing.datasets import irc_messages, pheme_messages
from tests.e2e.pipeline import Pipeline, gather_bounded
from tests.model import Model
from tests.shown import placed, shown

DATA = Path(__file__).parents[3] / "shared" / "data"
PHEME = DATA / "pheme"
IRC = DATA / "irc_ubuntu" / "irc_posts.csv.gz"
LOAD_SECONDS = 240.0
READERS = 32
"""Reads at a time, in each process."""
PROCESSES = 2
HELD: list[Model] = []
"""What a comparing process compares with."""

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not DATA.exists(), reason="the data sets are not at ../shared/data"),
]


@pytest.fixture
def pipeline(kafka: Reachable, cassandra: Reachable, tmp_path: Path) -> Iterator[Pipeline]:
    pipeline = Pipeline(kafka.address, cassandra.port, tmp_path, retention_days=0)
    try:
        pipeline.prepare()
        yield pipeline
    finally:
        pipeline.stop()


@pytest.mark.proof
def test_pheme_follows_first(pipeline: Pipeline, record_figures: Callable[..., None]) -> None:
    """Every home and thread equals the model when the graph was there before the posts."""
    messages = list(pheme())
    record_figures("PHEME, follows first", **load_and_compare(pipeline, messages, pheme_model()))


def test_pheme_shuffled(pipeline: Pipeline, record_figures: Callable[..., None]) -> None:
    """The order of arrival changes nothing: follows, posts, replies and reposts all mixed."""
    messages = list(pheme())
    random.Random(2014).shuffle(messages)
    record_figures("PHEME, shuffled", **load_and_compare(pipeline, messages, pheme_model()))


def test_irc_shuffled(pipeline: Pipeline, record_figures: Callable[..., None]) -> None:
    """Threads up to 103 deep join in any order."""
    messages: list[Message] = list(irc_messages(IRC))
    model = model_of(messages)
    random.Random(2004).shuffle(messages)
    record_figures("Ubuntu IRC, shuffled", **load_and_compare(pipeline, messages, model))


@cache
def pheme() -> Sequence[Message]:
    return list(pheme_messages(PHEME / "pheme_follows.csv.gz", PHEME / "pheme_posts.csv.gz"))


@cache
def pheme_model() -> Model:
    return model_of(pheme())


def model_of(messages: Sequence[Message]) -> Model:
    return Model([msgspec.to_builtins(message) for message in messages])


def load_and_compare(
    pipeline: Pipeline, messages: Sequence[Message], model: Model
) -> dict[str, Any]:
    """Publishes, waits, compares everything; the figures of the load."""
    for role in ROLES:
        pipeline.start_worker(role, "--role", role)
    start = time.perf_counter()
    pipeline.publish(messages)
    pipeline.drain(LOAD_SECONDS)
    seconds = time.perf_counter() - start
    before = time.perf_counter()
    context = get_context("fork")  # hands the model over without writing it out
    with ProcessPoolExecutor(PROCESSES, context, HELD.append, (model,)) as processes:
        shares = [
            processes.submit(compare_share, pipeline.settings, share) for share in range(PROCESSES)
        ]
        deliveries = sum(share.result() for share in shares)
    return {
        "events": len(messages),
        "seconds": round(seconds, 1),
        "events_per_second": round(len(messages) / seconds),
        "deliveries": deliveries,
        "deliveries_per_second": round(deliveries / seconds),
        "worker_rss_max_bytes": pipeline.rss_max(),
        "seconds_to_read_back": round(time.perf_counter() - before, 1),
    }


def compare_share(settings: Settings, share: int) -> int:
    """Reads a share of all homes and threads and compares; how many entries the homes have."""
    return uvloop.run(compare(settings, HELD[-1], share))


async def compare(settings: Settings, model: Model, share: int) -> int:
    metrics = create_metrics()
    store = await connect_store(settings, metrics)
    try:
        deps = Deps(settings, metrics, cassandra_stores(store, settings))
        reader = Reader(deps.stores, settings.epoch)
        home, threads = Home(reader, deps.retention, deps.clock), Threads(reader)
        users = sorted({user for user in (*model.edges, *model.written) if user})
        mine = users[share::PROCESSES]
        counts = await gather_bounded((same_home(home, model, user) for user in mine), READERS)
        asked = [post for post in sorted(model.posts) if starts_thread(model, post)]
        await gather_bounded(
            (same_thread(threads, model, post) for post in asked[share::PROCESSES]), READERS
        )
        return sum(counts)
    finally:
        await store.close()


def starts_thread(model: Model, post: int) -> bool:
    """Whether the post is a root, or an orphan that is in no root's thread."""
    known = model.posts[post]
    return not known["repost_of"] and (not known["parent_id"] or model.root(post) is None)


async def same_home(home: Home, model: Model, user: int) -> int:
    items: list[Item] = []
    before = None
    while True:
        page = await home.page(UserId(user), PageRequest(limit=100, before=before))
        items += page.items
        if page.older is None:
            break
        before = page.older
    assert [shown(item) for item in items] == model.home(user), user
    return len(items)


async def same_thread(threads: Threads, model: Model, post: int) -> None:
    given = await threads.read(PostId(post), None)
    expected = model.thread(None, post)
    assert given is not None
    assert expected is not None
    assert [placed(each) for each in given] == expected, post
