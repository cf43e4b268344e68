"""Measures how long pages of one large conversation take, one after the other on one API process.

    python -m loadtest.threads --replies 100000 --limit 20

Fills a keyspace with a conversation through the stores that workers use, and reads its first page
and those from the 500th on, while `--rate` replies a second arrive. The keyspace is kept.
"""

import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from itertools import count, islice
from threading import Event
from typing import NamedTuple, TypeAlias
from uuid import uuid4

import click
import httpx
import numpy as np
from prometheus_client import CollectorRegistry

from loadtest.figures import percentiles
from loadtest.home_pages import PATIENCE, run_api_on
from loadtest.searches import count_store_requests
from loadtest.stored_world import create_stores
from schemas.events import PostCreated, ReplyCreated
from schemas.ids import PostId, UserId, Version, post_id
from services.clock import now_ms
from services.conversations.store import NewReply
from services.metrics.metrics import Metrics
from services.posts.post import post_mutation
from services.posts.store import MAX_ANCESTOR_HINT
from services.settings.settings import Settings
from services.storage.migrations import available_migrations, migrate
from services.storage.session import connect
from services.stores import Stores

AUTHORS = 5_000
DIRECT = 0.6
"""Share of replies to the root itself; others answer one of the hundred before them."""
DAYS = 3
AT_ONCE = 1_000
WARM_UP = 10
TICK_SECONDS = 0.05


class LargeConversation:
    """A conversation that grows: its root, and replies in the order of their ids."""

    def __init__(self, replies: int, seed: int, until_ms: int) -> None:
        self._rng = np.random.default_rng(seed)
        began = until_ms - DAYS * 86_400_000
        self.root = PostId(post_id(began, 1))
        self._step = (until_ms - began) / replies
        self._began = began
        self._lines: dict[PostId, tuple[PostId, ...]] = {}
        self._latest: list[PostId] = []

    def replies(self) -> Iterator[tuple[ReplyCreated, tuple[PostId, ...]]]:
        """Yield each with its ancestors, nearest first; there is no end."""
        for number in count(1):
            at = int(self._began + number * self._step)
            post = PostId(post_id(at, number % 2**22))
            direct = not self._latest or self._rng.random() < DIRECT
            parent = self.root if direct else self._latest[self._rng.integers(len(self._latest))]
            line = (parent, *self._lines.get(parent, ()))[:MAX_ANCESTOR_HINT]
            self._latest = [*self._latest[-99:], post]
            self._lines = {each: self._lines[each] for each in self._latest[:-1]} | {post: line}
            reply = ReplyCreated(
                version=at * 1_000,
                post_id=post,
                author_id=self._author(),
                parent_id=parent,
                text=f"reply {number} of a long conversation",
            )
            yield reply, line

    def begin(self) -> PostCreated:
        """Return the root."""
        version = self._began * 1_000
        return PostCreated(version=version, post_id=self.root, author_id=AUTHORS + 1, text="well?")

    def _author(self) -> int:
        return int(self._rng.integers(1, AUTHORS + 1))


StoredReplies: TypeAlias = Iterator[tuple[ReplyCreated, tuple[PostId, ...]]]


class PageTimes(NamedTuple):
    """Milliseconds of each page, and store requests a page."""

    ms: list[float]
    store_requests: float


async def write_replies(
    stores: Stores, some: Sequence[tuple[ReplyCreated, tuple[PostId, ...]]]
) -> None:
    """Write replies as workers do, as far as threads are read from it."""
    await asyncio.gather(
        stores.posts.record([post_mutation(reply) for reply, _ in some]),
        stores.posts.hint_ancestors(
            {(PostId(r.post_id), UserId(r.author_id)): line for r, line in some}
        ),
        stores.conversations.link(
            [
                NewReply(
                    PostId(r.parent_id), PostId(r.post_id), UserId(r.author_id), Version(r.version)
                )
                for r, _ in some
            ]
        ),
    )


async def write_conversation(
    settings: Settings, conversation: LargeConversation, replies: StoredReplies, *, most: int
) -> None:
    """Write the root and so many replies."""
    store = await connect(settings, Metrics(CollectorRegistry()))
    stores = create_stores(store, settings, now_ms)
    try:
        await stores.posts.record([post_mutation(conversation.begin())])
        for start in range(0, most, AT_ONCE):
            await write_replies(stores, list(islice(replies, min(AT_ONCE, most - start))))
    finally:
        await store.close()


async def write_on(settings: Settings, replies: StoredReplies, rate: float, stop: Event) -> None:
    """Write so many replies a second until it is stopped."""
    store = await connect(settings, Metrics(CollectorRegistry()))
    stores = create_stores(store, settings, now_ms)
    began, sent = time.perf_counter(), 0
    try:
        while not stop.is_set():
            due = int((time.perf_counter() - began) * rate) - sent
            if due:
                await write_replies(stores, list(islice(replies, due)))
            sent += due
            await asyncio.sleep(TICK_SECONDS)
    finally:
        await store.close()


@contextmanager
def arriving(settings: Settings, replies: StoredReplies, rate: float) -> Iterator[None]:
    """Write so many replies a second in a thread of its own, as long as the context lasts."""
    stop = Event()
    with ThreadPoolExecutor(1) as thread:
        writing = thread.submit(asyncio.run, write_on(settings, replies, rate, stop))
        try:
            yield
        finally:
            stop.set()
        writing.result()


def measure_walk(client: httpx.Client, path: str, limit: int, skip: int, pages: int) -> PageTimes:
    """Walk on from the first page; measure `pages` of them behind the first `skip`."""
    before: str | None = None
    for number in range(skip + pages):
        if number == skip:
            requests, ms = count_store_requests(client), list[float]()
        began = time.perf_counter()
        asked = {"limit": limit} | ({"before": before} if before else {})
        answer = client.get(path, params=asked).raise_for_status().json()
        if number >= skip:
            ms.append(1_000 * (time.perf_counter() - began))
        before = answer["next"]
        if before is None:
            raise click.ClickException(f"the conversation ends with page {number + 1}")
    return PageTimes(ms, (count_store_requests(client) - requests) / pages)


def measure_first(client: httpx.Client, path: str, limit: int, looks: int) -> PageTimes:
    """Read the first page again and again, each for another viewer."""
    ms = []
    requests = count_store_requests(client)
    for viewer in range(1, looks + 1):
        began = time.perf_counter()
        client.get(path, params={"limit": limit, "viewer": viewer}).raise_for_status()
        ms.append(1_000 * (time.perf_counter() - began))
    return PageTimes(ms, (count_store_requests(client) - requests) / looks)


@click.command()
@click.option("--replies", default=100_000, show_default=True)
@click.option("--limit", default=20, show_default=True, help="Direct replies on a page.")
@click.option("--skip", default=499, show_default=True, help="Pages before those of the walk.")
@click.option("--looks", default=100, show_default=True, help="Measured pages of each kind.")
@click.option("--rate", default=0.0, show_default=True, help="StoredReplies a second that arrive.")
@click.option("--seed", default=1, show_default=True)
def main(  # noqa: PLR0913 - one for each option
    *, replies: int, limit: int, skip: int, looks: int, rate: float, seed: int
) -> None:
    """Measure pages of a conversation of this size, in milliseconds."""
    name = f"threads_{uuid4().hex[:12]}"
    settings = Settings.model_validate({"cassandra_keyspace": name})
    conversation = LargeConversation(replies, seed, now_ms())
    coming = conversation.replies()
    asyncio.run(migrate(settings, available_migrations()))
    asyncio.run(write_conversation(settings, conversation, coming, most=replies))
    path = f"/v1/posts/{conversation.root}/thread"
    with run_api_on(name) as api, httpx.Client(base_url=api.url, timeout=PATIENCE) as client:
        measure_first(client, path, limit, WARM_UP)
        with arriving(settings, coming, rate) if rate else nullcontext():
            first = measure_first(client, path, limit, looks)
            later = measure_walk(client, path, limit, skip, looks)
    for page, times in (("first", first), (f"from {skip + 1} on", later)):
        figures = (percentiles(times.ms) or {}) | {"store_requests": times.store_requests}
        rounded = {each: round(value, 1) for each, value in figures.items()}
        click.echo(json.dumps({"page": page} | rounded))


if __name__ == "__main__":
    main()
