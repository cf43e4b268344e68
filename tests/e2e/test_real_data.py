"""Real follows, posts and threads through real Kafka, Faust and Cassandra, read back whole."""

import random
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from schemas.codec import Message
from streams.publishing.datasets import irc_messages, pheme_messages
from streams.routes import ROLES
from tests.e2e.comparison import compare_all
from tests.e2e.pipeline import Pipeline, Record
from tests.e2e.village import model_of
from tests.model import Model

DATA = Path(__file__).parents[3] / "shared" / "data"
PHEME = DATA / "pheme"
IRC = DATA / "irc_ubuntu" / "irc_posts.csv.gz"
LOAD_SECONDS = 900.0

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(1_800),
    pytest.mark.skipif(not DATA.exists(), reason="the data sets are not at ../shared/data"),
]


@pytest.mark.proof
def test_pheme_follows_first(pipeline: Pipeline, record: Record) -> None:
    """Every home and thread equals the model when the graph was there before the posts."""
    messages = list(pheme())
    record("PHEME, follows first", **load_and_compare(pipeline, messages, model_of(messages)))


@pytest.mark.parametrize("one_in", [10, pytest.param(1, marks=pytest.mark.proof)])
def test_pheme_shuffled(pipeline: Pipeline, record: Record, one_in: int) -> None:
    """The order of arrival changes nothing: follows, posts, replies and reposts all mixed.

    One in ten of them is a log as well, of replies without parents and people who are strangers;
    of its homes one in ten is compared, of the whole log all.
    """
    messages = list(pheme())
    random.Random(2014).shuffle(messages)
    messages = messages[::one_in]
    figures = load_and_compare(pipeline, messages, model_of(messages), one_in)
    record(f"PHEME, shuffled, one in {one_in}", **figures)


@pytest.mark.proof
def test_irc_shuffled(pipeline: Pipeline, record: Record) -> None:
    """Threads up to 103 deep join in any order."""
    messages: list[Message] = list(irc_messages(IRC))
    model = model_of(messages)
    random.Random(2004).shuffle(messages)
    record("Ubuntu IRC, shuffled", **load_and_compare(pipeline, messages, model))


@cache
def pheme() -> Sequence[Message]:
    return list(pheme_messages(PHEME / "pheme_follows.csv.gz", PHEME / "pheme_posts.csv.gz"))


def load_and_compare(
    pipeline: Pipeline, messages: Sequence[Message], model: Model, one_home_in: int = 1
) -> dict[str, Any]:
    """Publishes, waits, compares; the figures of the load."""
    for role in ROLES:
        pipeline.start_worker(role, "--role", role)
    start = time.perf_counter()
    pipeline.handle(messages, LOAD_SECONDS)
    seconds = time.perf_counter() - start
    before = time.perf_counter()
    entries = compare_all(pipeline.settings, model, one_home_in)
    return {
        "events": len(messages),
        "seconds": round(seconds, 1),
        "events_per_second": round(len(messages) / seconds),
        "entries_compared": entries,
        "worker_rss_max_bytes": pipeline.rss_max(),
        "seconds_to_read_back": round(time.perf_counter() - before, 1),
    }
