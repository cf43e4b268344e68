"""A worker as a process of its own: two roles that handle whatever comes.

python worker_process.py BOOTSTRAP [hang]; says when it listens to signals and what it handles.
"""

import asyncio
import sys
from collections.abc import Sequence
from typing import Any

from prometheus_client import CollectorRegistry

from services.clock import now_ms
from services.handlers.handler import Accepted
from services.metrics.metrics import Metrics
from services.settings.settings import Settings
from streams.app import App, create_app
from streams.delivery.brake.brakes import Brakes
from streams.delivery.brake.memory import MemoryBrakes
from streams.delivery.dead_letters import OutboxDeadLetterWriter
from streams.delivery.loop import DeliveryLoop
from streams.outbox import MemoryOutbox
from streams.process.signals import run_apps, run_until_signal

ROLES = {"ingest": "posts", "fanout": "pages"}


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def handle(batch: Sequence[Accepted[str]]) -> None:
    for accepted in batch:
        say(accepted.message)
    if "hang" in sys.argv:
        await asyncio.Event().wait()


def decode(key: bytes | None, value: bytes | None, timestamp_ms: int) -> str:
    return str(value)


def app_of(role: str, metrics: Metrics) -> App:
    brakes = Brakes(MemoryBrakes(), metrics, now_ms)
    app = create_app(role, Settings(kafka_bootstrap=sys.argv[1]), metrics, brakes)
    delivery: DeliveryLoop[Any] = DeliveryLoop(
        agent=ROLES[role],
        topic=ROLES[role],
        decode=decode,
        handle=handle,
        dead_letters=OutboxDeadLetterWriter(MemoryOutbox()),
        acks=app.intake.acks,
        metrics=metrics,
    )
    app.deliver(delivery)
    return app


async def main(stop: asyncio.Event) -> int:
    metrics = Metrics(CollectorRegistry())
    say("listening")
    return await run_apps([app_of(role, metrics) for role in ROLES], stop)


if __name__ == "__main__":
    sys.exit(run_until_signal(main))
