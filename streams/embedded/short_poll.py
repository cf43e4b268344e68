"""Consumers for a broker that answers an empty fetch only when its wait is over.

Kafka answers a waiting fetch as soon as there is a message. The mock broker does not, so a
message would take as long as the fetch before it waits: a second and a half with Faust.
"""

import asyncio
from typing import Any, Final

from streams.app import App
from streams.kafka.consumer_thread import ConsumerThread
from streams.kafka.transport import Consumer

FETCH_MS: Final = 20
"""How long a fetch waits. Fifty empty answers a second cost a hundredth of a core."""


class ShortPollThread(ConsumerThread):
    """The worker's, with short fetches."""

    def _create_consumer(self, loop: asyncio.AbstractEventLoop) -> Any:
        consumer = super()._create_consumer(loop)
        consumer._fetch_max_wait_ms = FETCH_MS  # noqa: SLF001 Faust's driver leaves no other way
        return consumer


class ShortPollConsumer(Consumer):
    """The worker's, on such a thread."""

    def _new_consumer_thread(self) -> ConsumerThread:
        return ShortPollThread(self, loop=self.loop, beacon=self.beacon)


def use_short_polls(app: App) -> None:
    """To be called before the app starts."""
    app.transport.Consumer = ShortPollConsumer
