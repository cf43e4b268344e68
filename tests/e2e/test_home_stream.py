"""Streams on real Cassandra: what is told, and what thousands of them cost one process."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import httpx
import numpy as np
import pytest

from schemas.events import FollowCreated, PostCreated, PostDeleted, PostEdited
from schemas.ids import PostId, post_id
from schemas.relations import BlockCreated
from servers.server import Reachable
from services.clock import now_ms
from services.handlers.handler import Accepted
from services.handlers.outbox import MemoryRequestOutbox
from services.settings.settings import Settings
from services.storage.migrations import available_migrations, migrate
from streams.bootstrap import Deps, cassandra_stores, connect_store, create_api, create_metrics
from streams.routes import create_handlers
from tests.api.streaming import streaming
from tests.e2e.pipeline import Record
from tests.e2e.stream_readers import StreamReaders

ALICE, BOB = 1, 2
MINGLE = str(Path(sys.executable).with_name("mingle"))
START_SECONDS, STOP_SECONDS, MOST_SECONDS = 60, 10, 500
PER_AUTHOR = 20  # followers
PAGE = 20
TICK = os.sysconf("SC_CLK_TCK")


class Size(NamedTuple):
    """How many stream, for how many seconds nothing happens, and how many posts then arrive."""

    streams: int
    idle: float
    posts: int
    per_second: float


class Village:
    """Writes through the real handlers."""

    def __init__(self, deps: Deps) -> None:
        self.deps = deps
        self._sequence = count()
        self._requests = MemoryRequestOutbox()
        self._handlers = create_handlers(
            deps.stores, self._requests, deps.metrics, deps.retention, deps.clock
        )

    async def follows(self, *edges: tuple[int, int]) -> None:
        await self.handle(
            "follows",
            [
                FollowCreated(version=now_ms() * 1_000, follower_id=one, followee_id=other)
                for one, other in edges
            ],
        )

    async def posts(self, *authors: int, seconds_ago: float = 0) -> list[PostId]:
        """One by each; delivered when this returns."""
        written = now_ms() - int(seconds_ago * 1_000)
        facts = [
            PostCreated(
                version=written * 1_000,
                post_id=post_id(written, next(self._sequence)),
                author_id=author,
                text=f"Something that {author} has to say, of ordinary length, for all.",
            )
            for author in authors
        ]
        await self.handle("posts", facts)
        return [PostId(fact.post_id) for fact in facts]

    async def handle(self, agent: str, messages: Sequence[Any]) -> None:
        await self._handlers[agent]([Accepted(each, now_ms()) for each in messages])
        pages, self._requests.sent[:] = [*self._requests.sent], []
        for kind in {type(each) for each in pages}:
            agent = "fanout" if kind.__name__ == "DeliverPage" else "backfills"
            await self.handle(agent, [each for each in pages if type(each) is kind])


@pytest.fixture
async def village(cassandra: Reachable) -> AsyncIterator[Village]:
    settings = Settings(
        cassandra_hosts=(cassandra.host,),
        cassandra_port=cassandra.port,
        cassandra_keyspace=f"stream_{uuid4().hex[:12]}",
        stream_probe_seconds=0.05,
        stream_look_seconds=0.2,
    )
    await migrate(settings, available_migrations())
    metrics = create_metrics()
    store = await connect_store(settings, metrics)
    yield Village(Deps(settings, metrics, cassandra_stores(store, settings)))
    await store.close()


async def test_a_home_is_told_as_it_changes(village: Village) -> None:
    """A post, an edit, a deletion, and after a pause at another process a block and a post."""
    await village.follows((ALICE, BOB))
    (first,) = await village.posts(BOB)
    app = create_api(village.deps)
    async with streaming(app) as alice:
        await alice.expect("change")
        (second,) = await village.posts(BOB)
        await alice.expect("change", "entry")
        by_bob: Any = {"author_id": BOB, "version": now_ms() * 1_000}
        await village.handle("posts", [PostEdited(post_id=first, text="again", **by_bob)])
        await alice.expect("change", "entry", "edit")
        await village.handle("posts", [PostDeleted(post_id=second, **by_bob)])
        await alice.expect("change", "entry", "edit", "removal")
        assert list(alice.holder.items) == [first]
    (own,) = await village.posts(ALICE)
    block = BlockCreated(version=now_ms() * 1_000, owner_id=BOB, target_id=ALICE)
    await village.handle("relations", [block])
    async with streaming(create_api(village.deps), alice.holder) as alice:
        await alice.expect("removal", "entry")
        assert list(alice.holder.items) == [own]


@contextmanager
def api(settings: Settings) -> Iterator[tuple[int, str]]:
    """`mingle api` as a process with its defaults: its id and its address; it must end in time."""
    given = os.environ | {
        "MINGLE_CASSANDRA_HOSTS": ",".join(settings.cassandra_hosts),
        "MINGLE_CASSANDRA_PORT": str(settings.cassandra_port),
        "MINGLE_CASSANDRA_KEYSPACE": settings.cassandra_keyspace,
        "MINGLE_API_PORT": "0",
        "MINGLE_LOG_LEVEL": "info",
    }
    with subprocess.Popen([MINGLE, "api"], env=given, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        try:
            logged = map(json.loads, process.stderr)
            started = next(each for each in logged if each["event"].endswith(" started"))
            ready(started["address"])
            yield process.pid, started["address"]
            process.send_signal(signal.SIGTERM)
            assert process.wait(STOP_SECONDS) == 0
        finally:
            process.kill()


def ready(address: str) -> None:
    """Waits until the API has reached its store."""
    until = time.monotonic() + START_SECONDS
    while httpx.get(f"{address}/readyz").status_code != HTTPStatus.OK:
        assert time.monotonic() < until
        time.sleep(0.1)


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def memory(pid: int) -> int:
    """Resident bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.timeout(1_800)
@pytest.mark.parametrize(
    "size",
    [
        Size(streams=40, idle=1, posts=4, per_second=4),
        pytest.param(Size(streams=2_000, idle=20, posts=40, per_second=2), marks=pytest.mark.proof),
    ],
    ids=lambda size: f"{size.streams} streams",
)
async def test_many_stream_from_one_process(village: Village, size: Size, record: Record) -> None:
    """Everybody is told of every post, once; the process ends in time with all streams open."""
    authors = range(10_000, 10_000 + size.streams // PER_AUTHOR)
    users = range(1, size.streams + 1)
    await village.follows(*((user, authors[user % len(authors)]) for user in users))
    for old in range(PAGE):
        await village.posts(*authors, seconds_ago=3_600 * (old + 1))
    loop = asyncio.get_running_loop()
    sent: dict[int, float] = {}
    writes: list[float] = []
    with api(village.deps.settings) as (pid, address):
        empty = memory(pid)
        began = loop.time()
        async with StreamReaders(address, users, MOST_SECONDS) as crowd:
            opening = loop.time() - began
            full = memory(pid)
            before = cpu_seconds(pid)
            await asyncio.sleep(size.idle)
            idle = (cpu_seconds(pid) - before) / size.idle
            before, began = cpu_seconds(pid), loop.time()
            for number in range(size.posts):
                await asyncio.sleep(began + number / size.per_second - loop.time())
                at = loop.time()
                (post,) = await village.posts(authors[number % len(authors)])
                sent[post] = at
                writes.append(loop.time() - at)
            await crowd.until(lambda: len(crowd.told) >= size.posts * PER_AUTHOR)
            busy = (cpu_seconds(pid) - before) / (loop.time() - began)
            assert len({each[:2] for each in crowd.told}) == len(crowd.told)
            os.kill(pid, signal.SIGTERM)
            await crowd.until(lambda: crowd.ended == ["stopping"] * size.streams)
    latencies = np.array([each.at - sent[each.post] for each in crowd.told])
    p50, p99 = np.percentile(latencies, (50, 99)).round(3).tolist()
    record(
        f"{size.streams} streams",
        seconds_to_open=round(opening, 1),
        bytes_per_stream=(full - empty) // size.streams,
        idle_cpu=round(idle, 3),
        busy_cpu=round(busy, 3),
        events_per_second=round(size.per_second * PER_AUTHOR, 1),
        write_p50=round(float(np.median(writes)), 3),
        latency_p50=p50,
        latency_p99=p99,
    )
