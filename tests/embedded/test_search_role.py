"""What two groups read is delivered by one, found by the other, and dies once."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
from confluent_kafka import Consumer, TopicPartition

from schemas.codec import encode
from schemas.events import PostCreated, PostDeleted, PostEdited
from schemas.ids import post_id
from services.settings.settings import Settings
from streams.embedded.pipeline import RunningPipeline, pipeline
from streams.outbox import Outgoing
from streams.process.processes import open_outbox

BOB = 2
PATIENCE = 30.0
POLL_SECONDS = 0.05
SETTINGS = Settings.model_validate({"api_port": 0, "metrics_port": 0, "retention_days": 0})


async def becomes(measure: Callable[[], Awaitable[Any]], expected: Any) -> None:
    deadline = time.monotonic() + PATIENCE
    while (found := await measure()) != expected:
        assert time.monotonic() < deadline, found
        await asyncio.sleep(POLL_SECONDS)


async def outcomes(running: RunningPipeline, client: httpx.AsyncClient) -> dict[str, float]:
    """Return the number of messages of `posts`, by agent and outcome."""
    name = "timeline_events_handled_total"
    text = (await client.get(f"{running.worker}/metrics")).text
    rows = (line.removeprefix(name).rsplit(" ", 1) for line in text.splitlines())
    return {labels: float(value) for labels, value in rows if labels.startswith('{agent="')}


def letters(running: RunningPipeline) -> int:
    """Return the number of dead letters of `posts`."""
    consumer = Consumer({"bootstrap.servers": running.bootstrap, "group.id": "counts"})
    try:
        numbers = consumer.list_topics("posts-dlq", PATIENCE).topics["posts-dlq"].partitions
        places = [TopicPartition("posts-dlq", number) for number in numbers]
        return sum(consumer.get_watermark_offsets(at, PATIENCE)[1] for at in places)
    finally:
        consumer.close()


async def test_one_dead_letter_for_two_groups() -> None:
    """A message that nobody can decode; one that follows it is found by its words."""
    now = time.time_ns() // 1_000_000
    post = post_id(now, 1)
    said = {"post_id": post, "author_id": BOB}
    created = PostCreated(version=now * 1_000, text="Sourdough, again", **said)
    edited = PostEdited(version=now * 1_000 + 1, text="Rye, again", **said)
    async with pipeline(SETTINGS) as running, httpx.AsyncClient() as client:

        async def found(word: str) -> list[int]:
            answer = await client.get(f"{running.api}/v1/search", params={"q": word})
            return [int(item["post_id"]) for item in answer.json()["items"]]

        own = SETTINGS.model_copy(update={"kafka_bootstrap": running.bootstrap})
        async with open_outbox(own) as outbox:
            await outbox.send([Outgoing("posts", b"2", b"no post"), Outgoing(*encode(created))])
            await becomes(lambda: found("sourdough"), [post])
            await outbox.send([Outgoing(*encode(edited))])
            await becomes(lambda: found("rye"), [post])
            assert await found("sourdough") == []
            await outbox.send([Outgoing(*encode(PostDeleted(version=0, **said)))])
            await becomes(lambda: found("rye"), [])
            handled = {
                '{agent="posts",outcome="dead_letter"}': 1,
                '{agent="posts",outcome="handled"}': 3,
                '{agent="words",outcome="handled"}': 3,
                '{agent="words",outcome="skipped"}': 1,
            }
            await becomes(lambda: outcomes(running, client), handled)
            assert await asyncio.to_thread(letters, running) == 1
