"""Measures what pulling an author costs readers, and what pushing costs: figures for a rule.

    python -m loadtest.pull_cost --pages 300

Works in a keyspace of its own in the Cassandra of the settings, through the product's stores. It
prints microseconds of CPU, client and Cassandra together: of an entry that is pushed, and of a page
of twenty by the number of pulled authors, and of those that its viewer follows.
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
"""Followees of each viewer whose posts are pushed: one each, ten pages."""
KNOWN = (0, 10, 100, 1_000)
"""Pulled authors."""
FOLLOWED = (0, 1, 10, 100)
"""How many of them a viewer follows."""
ROUNDS = 5
"""Over all viewers in turn, since the load of a machine changes; their median counts."""
WARM_UP = 500
PULLED_FROM, VIEWERS_FROM = 1_000_000, 2_000_000


class Case(NamedTuple):
    """A number of pulled authors, and how many of them a viewer follows."""

    known: int
    followed: int

    @property
    def viewer(self) -> UserId:
        return UserId(VIEWERS_FROM + self.followed)


class PullBench(NamedTuple):
    """Stores, reader and Cassandra's process id."""

    stores: Stores
    home: Home
    server: int

    async def cost(self, times: int, work: Callable[[], Awaitable[object]]) -> float:
        """Return the microseconds of CPU of one call."""
        before = self._cpu_seconds()
        for _ in range(times):
            await retry_timeouts(work)
        return 1e6 * (self._cpu_seconds() - before) / times

    def _cpu_seconds(self) -> float:
        used = usage(self.server)
        return time.process_time() + (float("nan") if used is None else used.cpu_seconds)

    async def push_cost(self) -> float:
        """Return the microseconds of an entry of a large author."""
        users = np.random.default_rng(1).choice(2**40, FOLLOWERS, replace=False) + 1
        posts = iter(range(post_id(now_ms(), 0), 2**63, 1))

        async def push() -> None:
            await self.stores.home_timelines.add_home_entries(
                [EntryBlock(users, np.array([next(posts)]))]
            )

        await push()
        return await self.cost(PUSHES, push) / FOLLOWERS

    async def page_cost(self, case: Case, pages: int) -> float:
        """Return the microseconds of a page."""

        async def read() -> None:
            found = await self.home.page(case.viewer, PageRequest())
            assert len(found.items) == 20, case

        return await self.cost(pages, read)

    async def add_viewers(self) -> None:
        """Add viewers with a home of pushed posts, who follow some of the authors to pull."""
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

    async def pull_authors(self, known: int, retention: Retention) -> None:
        """Pull this many authors from now on, each with two posts in the last hour."""
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


async def measure_pull_cost(pages: int, report: Callable[[dict[str, float]], None]) -> None:
    """Report figures as they are measured. Raises ClickException without a local Cassandra."""
    settings = Settings.model_validate({"cassandra_keyspace": f"pull_{uuid4().hex[:12]}"})
    server = listening_pid(settings.cassandra_port)
    if server is None:
        raise click.ClickException("no Cassandra on this machine listens there")
    await migrate(settings, available_migrations())
    store = await connect(settings, Metrics(CollectorRegistry()))
    try:
        stores = create_stores(store, settings, now_ms)
        retention = Retention(settings.retention_days, settings.epoch)
        home = Home(Reader(stores, now_ms, settings.epoch), retention)
        bench = PullBench(stores, home, server)
        await bench.add_viewers()
        report({"pushed_entry_us": round(await bench.push_cost(), 1)})
        await bench.page_cost(Case(0, 0), WARM_UP)
        for known in KNOWN:
            await bench.pull_authors(known, retention)
            cases = [Case(known, each) for each in FOLLOWED if each <= known]
            rounds = [
                [await bench.page_cost(case, -(-pages // ROUNDS)) for case in cases]
                for _ in range(ROUNDS)
            ]
            for case, took in zip(cases, zip(*rounds, strict=True), strict=True):
                report({**case._asdict(), "page_us": round(median(took))})
    finally:
        await store.close()


@click.command()
@click.option("--pages", default=300, show_default=True, help="Pages of each case.")
def main(pages: int) -> None:
    """Measure what pulling authors costs."""
    asyncio.run(measure_pull_cost(pages, lambda figures: click.echo(json.dumps(figures))))


if __name__ == "__main__":
    main()
