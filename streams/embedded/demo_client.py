"""Plays a story on a running pipeline, and reads the result as any client would."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import httpx
from aiokafka import AIOKafkaConsumer

from schemas.ids import PostId
from schemas.topics import dead_letter_topic
from streams.display.metric_changes import MetricValues, read_metrics
from streams.embedded.pipeline import RunningPipeline
from streams.embedded.story import ExpectedPlace, Scene, Story
from streams.outbox import Outbox

PATIENCE: Final = 15.0
"""Seconds for one step to become visible; each takes a fraction of a second."""
POLL_SECONDS: Final = 0.05
HANDLED: Final = "timeline_events_handled_total"
DONE: Final = ("outcome=handled", "outcome=dead_letter")
AGENTS_OF_FACTS: Final = ("agent=posts", "agent=replies", "agent=follows")


class StoryFailed(RuntimeError):
    """The story did not become visible as it promises."""


class DemoClient:
    """Publishes scenes to the pipeline's broker and reads from its API over HTTP."""

    def __init__(self, running: RunningPipeline, outbox: Outbox, client: httpx.AsyncClient) -> None:
        self._running = running
        self._outbox = outbox
        self._client = client
        self._sent = 0

    async def play(self, scene: Scene, reader: int) -> None:
        """Publish a scene; return when all of it is visible to `reader`. Raises StoryFailed."""
        await self._outbox.send(scene.messages)
        self._sent += len(scene.messages)
        await poll_until(self._all_handled, f"handling of {scene.title!r}")
        await poll_until(lambda: self._sees(reader, scene.sees), f"delivery of {scene.title!r}")

    async def wait_for_end(self, story: Story) -> None:
        """Return when home and thread are as the story promises. Raises StoryFailed."""
        await poll_until(lambda: self._matches(story), "the story's home and thread")

    async def home(self, user: int) -> dict[str, Any]:
        return await self._answer(f"/v1/users/{user}/home")

    async def signal(self, user: int) -> dict[str, Any]:
        """Return the three posts that the user is most likely to want to answer."""
        return await self._answer(f"/v1/users/{user}/home?view=signal&limit=3")

    async def unanswered(self, user: int) -> dict[str, Any]:
        return await self._answer(f"/v1/users/{user}/unanswered")

    async def catch_up(self, user: int, since_ms: int) -> dict[str, Any]:
        return await self._answer(f"/v1/users/{user}/catch-up?since={since_ms * 1_000}")

    async def thread(self, post: int, viewer: int) -> dict[str, Any]:
        return await self._answer(f"/v1/posts/{post}/thread?viewer={viewer}")

    async def explain(self, user: int, post: int) -> dict[str, Any]:
        return await self._answer(f"/v1/users/{user}/explain/{post}")

    async def metrics(self) -> MetricValues:
        answer = await self._client.get(f"{self._running.worker}/metrics")
        return read_metrics(answer.raise_for_status().text)

    async def dead_letter(self, topic: str) -> Any:
        """Return the first dead letter of a topic. Raises StoryFailed."""
        consumer = AIOKafkaConsumer(
            dead_letter_topic(topic),
            bootstrap_servers=self._running.bootstrap,
            auto_offset_reset="earliest",
        )
        try:
            await consumer.start()
            return await asyncio.wait_for(consumer.getone(), PATIENCE)
        except TimeoutError as error:
            raise StoryFailed(f"no dead letter of {topic} in {PATIENCE:g} s") from error
        finally:
            await consumer.stop()

    async def _answer(self, path: str) -> dict[str, Any]:
        answer = await self._client.get(f"{self._running.api}{path}")
        body: dict[str, Any] = answer.raise_for_status().json()
        return body

    async def _matches(self, story: Story) -> bool:
        home = await self.home(story.reader)
        try:
            thread = await self.thread(story.root, story.reader)
        except httpx.HTTPStatusError:  # none of the thread has arrived yet
            return False
        places = {
            ExpectedPlace(PostId(int(each["post_id"])), each["depth"], each["placeholder"])
            for each in thread["items"]
        }
        return [int(each["post_id"]) for each in home["items"]] == list(
            story.home
        ) and places == set(story.thread)

    async def _sees(self, reader: int, posts: int) -> bool:
        return len((await self.home(reader))["items"]) == posts

    async def _all_handled(self) -> bool:
        now = await self.metrics()
        handled = sum(
            value
            for name, value in now.items()
            if name.startswith(HANDLED)
            and any(each in name for each in DONE)
            and any(each in name for each in AGENTS_OF_FACTS)
        )
        return handled >= self._sent


async def poll_until(condition: Callable[[], Awaitable[bool]], what: str) -> None:
    """Return when the condition holds. Raises StoryFailed when it does not in time."""
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while not await condition():
        if asyncio.get_running_loop().time() > deadline:
            raise StoryFailed(f"{what} took longer than {PATIENCE:g} s")
        await asyncio.sleep(POLL_SECONDS)
