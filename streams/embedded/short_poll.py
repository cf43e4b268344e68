"""Consumers for a broker that answers an empty fetch only when its wait is over.

Kafka answers a waiting fetch as soon as a message arrives. The mock broker does not, so a message
would be delayed by a whole fetch: a second and a half with Faust.
"""

import asyncio
from typing import Any, Final

from streams.app import App
from streams.kafka.consumer_thread import ConsumerThread
from streams.kafka.transport import Consumer

FETCH_MS: Final = 20
"""Wait of a fetch. Fifty empty answers a second cost a hundredth of a core."""


class ShortPollThread(ConsumerThread):
    """The worker's consumer thread, with short fetches."""

    def _create_consumer(self, loop: asyncio.AbstractEventLoop) -> Any:
        consumer = super()._create_consumer(loop)
        consumer._fetch_max_wait_ms = FETCH_MS  # noqa: SLF001 Faust's driver leaves no other way
        return consumer


class ShortPollConsumer(Consumer):
    """The worker's consumer, on such a thread."""

    def _new_consumer_thread(self) -> ConsumerThread:
        return ShortPollThread(self, loop=self.loop, beacon=self.beacon)


def use_short_polls(app: App) -> None:
    """Give the app such consumers. Call it before the app starts."""
    app.transport.Consumer = ShortPollConsumer
