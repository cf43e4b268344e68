"""What people say of each other, from a message in Kafka to an answer over HTTP."""

import asyncio
import time

import httpx

from schemas.codec import Message, encode
from schemas.events import FollowCreated, PostCreated
from schemas.ids import post_id
from schemas.relations import BlockCreated
from services.settings.settings import Settings
from streams.embedded.pipeline import RunningPipeline, pipeline
from streams.outbox import Outbox, Outgoing
from streams.process.processes import open_outbox

ALICE, BOB = 1, 2
PATIENCE = 30.0
POLL_SECONDS = 0.05


async def tell(outbox: Outbox, *messages: Message) -> None:
    await outbox.send([Outgoing(*encode(each)) for each in messages])


async def home_becomes(running: RunningPipeline, client: httpx.AsyncClient, *posts: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        answer = await client.get(f"{running.api}/v1/users/{ALICE}/home")
        if [int(item["post_id"]) for item in answer.json()["items"]] == list(posts):
            return
        assert time.monotonic() < deadline, answer.text
        await asyncio.sleep(POLL_SECONDS)


async def test_a_block_ends_what_a_follow_brought() -> None:
    """Alice reads bob until he blocks her."""
    settings = Settings.model_validate({"api_port": 0, "metrics_port": 0, "retention_days": 0})
    now = time.time_ns() // 1_000_000
    post = post_id(now, 1)
    async with pipeline(settings) as running, httpx.AsyncClient() as client:
        own = settings.model_copy(update={"kafka_bootstrap": running.bootstrap})
        async with open_outbox(own) as outbox:
            await tell(
                outbox,
                FollowCreated(version=now * 1_000, follower_id=ALICE, followee_id=BOB),
                PostCreated(version=now * 1_000, post_id=post, author_id=BOB, text="bread"),
            )
            await home_becomes(running, client, post)
            await tell(outbox, BlockCreated(version=now * 1_000 + 1, owner_id=BOB, target_id=ALICE))
            await home_becomes(running, client)
