"""What pulling an author costs who reads, beside what pushing him costs: the figures of a rule.

    python -m loadtest.pull_cost --pages 300

In a keyspace of its own on the Cassandra that the settings name, through the product's stores. It
prints CPU of client and Cassandra together, in microseconds: of an entry that is pushed, and of a
page of twenty by how many of the pulled authors there are, and how many of them its viewer follows.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterable
from statistics import median
from typing import NamedTuple
from uuid import uuid4

import click
import numpy as np
from prometheus_client import CollectorRegistry

from loadtest.machine import listening_pid, usage
from loadtest.store import retry_timeouts
from loadtest.stored_world import create_stores
from schemas.events import FollowCreated, PostCreated
from schemas.ids import PostId, UserId, post_id
from services.clock import now_ms
from services.metrics.metrics import Metrics
from services.posts.post import post_mutation
from services.pulled.authors import PulledAuthors
from services.readers.home import Home
from services.readers.paging import PageRequest
from services.readers.reader import Reader
from services.relations.mutation import relation_mutation as relation
from services.retention import Retention
from services.settings.settings import Settings
from services.storage.migrations import available_migrations, migrate
from services.storage.session import connect
from services.stores import Stores
from services.timelines.store import AuthorEntry, EntryBlock

FOLLOWERS = 100_000
PUSHES = 10
FOLLOWEES = 200
"""Of each viewer, whose posts are pushed: one each, ten pages."""
KNOWN = (0, 10, 100, 1_000)
FOLLOWED = (0, 1, 10, 100)
ROUNDS = 5
"""In turn over those who follow some, for a machine is never busy in the same way for long; the
median of them counts."""
WARM_UP = 500
PULLED_FROM, VIEWERS_FROM = 1_000_000, 2_000_000


class Case(NamedTuple):
    """A viewer who follows so many of all pulled authors."""

    known: int
    followed: int

    @property
    def viewer(self) -> UserId:
        return UserId(VIEWERS_FROM + self.followed)


class PullBench(NamedTuple):
    """Where it is measured."""

    stores: Stores
    home: Home
    server: int

    async def cost(self, times: int, work: Callable[[], Awaitable[object]]) -> float:
        """Microseconds of CPU of one piece of work."""
        before = self._cpu()
        for _ in range(times):
            await retry_timeouts(work)
        return 1e6 * (self._cpu() - before) / times

    def _cpu(self) -> float:
        used = usage(self.server)
        return time.process_time() + (float("nan") if used is None else used.cpu_seconds)

    async def push(self) -> float:
        """Of an entry of a large author."""
        users = np.random.default_rng(1).choice(2**40, FOLLOWERS, replace=False) + 1
        posts = iter(range(post_id(now_ms(), 0), 2**63, 1))

        async def one() -> None:
            await self.stores.home_timelines.add_home_entries(
                [EntryBlock(users, np.array([next(posts)]))]
            )

        await one()
        return await self.cost(PUSHES, one) / FOLLOWERS

    async def page(self, case: Case, pages: int) -> float:
        """Of a page."""

        async def one() -> None:
            found = await self.home.page(case.viewer, PageRequest())
            assert len(found.items) == 20, case

        return await self.cost(pages, one)

    async def people(self) -> None:
        """Viewers with a home of pushed posts, who follow some of the authors to be pulled."""
        at = now_ms() - 3_600_000
        facts = [
            PostCreated(version=(at + n) * 1_000, post_id=post_id(at + n, n), author_id=n + 1)
            for n in range(FOLLOWEES)
        ]
        await self.stores.posts.record([post_mutation(each) for each in facts])
        for followed in FOLLOWED:
            viewer = Case(0, followed).viewer
            await self.follow(viewer, range(1, FOLLOWEES + 1))
            await self.follow(viewer, range(PULLED_FROM, PULLED_FROM + followed))
            posts = np.array([each.post_id for each in facts])
            await self.stores.home_timelines.add_home_entries(
                [EntryBlock(np.array([viewer]), posts)]
            )

    async def follow(self, viewer: UserId, followees: Iterable[int]) -> None:
        edges = [FollowCreated(version=1, follower_id=viewer, followee_id=n) for n in followees]
        if edges:
            await self.stores.relations.record([relation(each) for each in edges])

    async def flag(self, known: int, retention: Retention) -> None:
        """So many authors are pulled from now on, each with two posts in the last hour."""
        at = now_ms() - 1_800_000
        authors = [UserId(PULLED_FROM + n) for n in range(known)]
        entries = [
            AuthorEntry(author, PostId(post_id(at + k * 60_000, n)))
            for k in range(2)
            for n, author in enumerate(authors)
        ]
        if entries:
            await self.stores.author_timelines.add_author_entries(entries)
            facts = [
                PostCreated(version=at * 1_000, post_id=post, author_id=author)
                for author, post in entries
            ]
            await self.stores.posts.record([post_mutation(each) for each in facts])
            await PulledAuthors(self.stores.pulled, retention, now_ms, age_ms=0).flag(entries)


async def measure_case(pages: int, told: Callable[[dict[str, float]], None]) -> None:
    settings = Settings.model_validate({"cassandra_keyspace": f"pull_{uuid4().hex[:12]}"})
    server = listening_pid(settings.cassandra_port)
    if server is None:
        raise click.ClickException("no Cassandra of this machine listens there")
    await migrate(settings, available_migrations())
    store = await connect(settings, Metrics(CollectorRegistry()))
    try:
        stores = create_stores(store, settings, now_ms)
        retention = Retention(settings.retention_days, settings.epoch)
        home = Home(Reader(stores, now_ms, settings.epoch), retention)
        bench = PullBench(stores, home, server)
        await bench.people()
        told({"pushed_entry_us": round(await bench.push(), 1)})
        await bench.page(Case(0, 0), WARM_UP)
        for known in KNOWN:
            await bench.flag(known, retention)
            cases = [Case(known, each) for each in FOLLOWED if each <= known]
            rounds = [
                [await bench.page(case, -(-pages // ROUNDS)) for case in cases]
                for _ in range(ROUNDS)
            ]
            for case, took in zip(cases, zip(*rounds, strict=True), strict=True):
                told({**case._asdict(), "page_us": round(median(took))})
    finally:
        await store.close()


@click.command()
@click.option("--pages", default=300, show_default=True, help="Of each kind.")
def main(pages: int) -> None:
    """Measure what pulling costs."""
    asyncio.run(measure_case(pages, lambda found: click.echo(json.dumps(found))))


if __name__ == "__main__":
    main()
