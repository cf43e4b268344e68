"""On the real store: who has not read for days is left out, and finds everything on his return."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from schemas.codec import KINDS
from schemas.events import FollowCreated, PostCreated
from services.activity.inactive_users import InactiveUsers
from services.handlers.handler import Accepted
from services.handlers.outbox import MemoryRequestOutbox
from services.handlers.rebuild import Rebuild
from services.metrics.metrics import Metrics
from services.readers.home import Home
from services.readers.paging import Page, PageRequest
from services.readers.reader import Reader
from services.readers.returning import ReturningUsers
from services.settings.settings import Settings
from services.storage.session import connect
from streams.bootstrap import Deps, cassandra_stores
from streams.routes import ROUTES, create_handlers
from tests.contracts.conftest import PATIENCE_SECONDS
from tests.contracts.histories import NOW, NewPost, People
from tests.shown import shown

pytestmark = pytest.mark.integration


@pytest.fixture
async def deps(usual_keyspace: Settings) -> AsyncIterator[Deps]:
    metrics = Metrics(CollectorRegistry())
    store = await connect(usual_keyspace, metrics)
    try:
        stores = cassandra_stores(store, usual_keyspace, lambda: NOW)
        yield Deps(usual_keyspace, metrics, stores, clock=lambda: NOW)
    finally:
        await store.close()


class Told:
    """A worker, an API, and when the API may stop waiting."""

    def __init__(self, deps: Deps) -> None:
        self.worker = InactiveUsers(deps.stores.activity, 3, deps.clock, lambda: 0.0)
        self._outbox = MemoryRequestOutbox()
        self._handlers = create_handlers(
            deps.stores,
            self._outbox,
            deps.metrics,
            deps.retention,
            deps.clock,
            active_followers=self.worker.active_followers,
        )
        self.heard = asyncio.Event()
        self.homes = ReturningUsers(
            Home(Reader(deps.stores, deps.clock), deps.retention),
            deps.stores.activity,
            Rebuild(deps.stores, deps.retention, deps.clock),
            deps.metrics,
            deps.clock,
            wait=self._wait,
        )

    async def _wait(self, _: float) -> None:
        await self.heard.wait()

    async def tell(self, *facts: Any) -> None:
        waiting = list(facts)
        while waiting:
            each = waiting.pop(0)
            topic = KINDS[str(type(each).__struct_config__.tag)].topic
            for route in (route for route in ROUTES if route.topic == topic):
                await self._handlers[route.agent]([Accepted(each, NOW)])
            waiting += self._outbox.sent
            self._outbox.sent.clear()

    async def until(self, user: Any, *, building: bool, items: int) -> Page:
        """The user's page, when it is like this."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                page = await self.homes.page(user, PageRequest())
                if (page.building, len(page.items)) == (building, items):
                    return page


async def test_alice_sleeps_and_carol_does_not(
    deps: Deps, people: People, new_post: NewPost
) -> None:
    """In the end both have the same home, and so has who was left out by an old idea of him."""
    alice, bob, carol = people
    told = Told(deps)
    posts = [new_post(days_old=each) for each in (3, 2, 1)]
    await told.homes.page(carol, PageRequest())
    await told.tell(
        *(FollowCreated(version=1, follower_id=each, followee_id=bob) for each in (alice, carol))
    )
    await told.worker.scan()
    await told.tell(PostCreated(version=1, post_id=posts[0], author_id=bob))
    for _ in range(3):
        await told.worker.scan()
    await told.tell(PostCreated(version=1, post_id=posts[1], author_id=bob))
    assert not await (await deps.stores.home_timelines.pin()).in_home(alice, posts[1])
    await told.until(alice, building=True, items=2)
    await told.tell(PostCreated(version=1, post_id=posts[2], author_id=bob))
    assert not await (await deps.stores.home_timelines.pin()).in_home(alice, posts[2])
    told.heard.set()
    of_alice = await told.until(alice, building=False, items=3)
    of_carol = await told.until(carol, building=False, items=3)
    assert [shown(each) for each in of_alice.items] == [shown(each) for each in of_carol.items]
    for _ in range(2):
        await told.worker.scan()
    last = new_post(days_old=0)
    await told.tell(PostCreated(version=1, post_id=last, author_id=bob))
    assert await (await deps.stores.home_timelines.pin()).in_home(alice, last)
