"""Two lanes: what goes to many followers is in nobody else's way."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from schemas import topics
from schemas.codec import Message, encode
from schemas.events import FollowCreated, PostCreated
from schemas.ids import PostId, UserId, post_id
from services.readers.home import Home
from services.readers.paging import PageRequest
from services.readers.reader import Reader
from services.settings.settings import Settings
from streams.app import App
from streams.bootstrap import create_workers
from streams.embedded.mock_broker import MockBroker
from streams.embedded.short_poll import use_short_polls
from streams.outbox import Outgoing
from streams.process.processes import open_deps, open_outbox
from streams.process.signals import run_apps
from tests.streams.fakes import sample

ALICE, BOB, CAROL = map(UserId, (1, 2, 3))
MANY = 3
PATIENCE = 30.0
POLL_SECONDS = 0.02


async def becomes(holds: Callable[[], Awaitable[bool]]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not await holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(POLL_SECONDS)


@asynccontextmanager
async def working(apps: Sequence[App]) -> AsyncIterator[None]:
    for app in apps:
        use_short_polls(app)
    stop = asyncio.Event()
    running = asyncio.create_task(run_apps(apps, stop))
    try:
        yield
    finally:
        stop.set()
        assert await running == 0


async def test_followers_of_a_small_author_do_not_wait_for_a_large_one() -> None:
    """Alice's pages wait while no worker serves their lane; bob's later post is read first."""
    now = time.time_ns() // 1_000_000
    large, small = PostId(post_id(now, 1)), PostId(post_id(now, 2))
    followers = [(CAROL, BOB), *((follower, ALICE) for follower in (CAROL, 4, 5))]
    graph: list[Message] = [
        FollowCreated(version=now * 1_000, follower_id=follower, followee_id=followee)
        for follower, followee in followers
    ]
    said = {"version": now * 1_000, "text": "Who is up?"}
    with MockBroker() as broker:
        for topic in topics.load_topics().values():
            broker.create_topic(topic.name, 1)
        settings = Settings(
            store="memory", kafka_bootstrap=broker.bootstrap, bulk_followers=MANY, retention_days=0
        )
        async with open_deps(settings) as deps, open_outbox(settings) as outbox:
            home = Home(Reader(deps.stores, deps.clock), deps.retention)

            async def send(*messages: Message) -> None:
                await outbox.send([Outgoing(*encode(each)) for each in messages])

            async def follows() -> bool:
                return await deps.stores.graph.follower_counts([ALICE, BOB]) == {ALICE: 3, BOB: 1}

            async def backfilled() -> bool:
                """So that no follow brings alice's post to carol beside the lanes."""
                name, labels = "timeline_events_handled_total", {"agent": "backfills"}
                return sample(deps.metrics, name, **labels, outcome="handled") == len(followers)

            async def reads(*posts: PostId) -> bool:
                page = await home.page(CAROL, PageRequest())
                return [item.post_id for item in page.items] == list(posts)

            async with working(create_workers(deps, outbox, ("ingest", "fanout"))):
                await send(*graph)
                await becomes(follows)
                await becomes(backfilled)
                await send(PostCreated(post_id=large, author_id=ALICE, **said))
                await send(PostCreated(post_id=small, author_id=BOB, **said))
                await becomes(lambda: reads(small))
                async with working(create_workers(deps, outbox, ("bulk",))):
                    await becomes(lambda: reads(small, large))
