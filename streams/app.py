"""Faust apps as this project runs them: one per role, built by a factory, without a CLI."""

import os
import re
import socket
from typing import Any

import faust
from faust.app import BootStrategy
from faust.types import EventT
from mode import Service
from mode.supervisors import CrashingSupervisor
from yarl import URL

from services.metrics.metrics import Metrics
from services.settings.settings import Settings
from streams.delivery.brake.brakes import Brakes
from streams.delivery.intake import Intake, IntakeLimits
from streams.delivery.loop import DeliveryLoop
from streams.kafka.credentials import credentials
from streams.kafka.transport import Transport
from streams.kafka.worker_names import new_birth
from streams.routes import group_of

DAY_SECONDS = 86_400.0
COMMIT_INTERVAL_SECONDS = 1.0
"""A crash repeats the handled messages of at most this time."""
SESSION_SECONDS = 30.0
"""A worker that is silent for longer loses its partitions; a faster restart keeps them."""
METADATA_SECONDS = 15.0
"""How soon a new topic or partition is noticed. It has an owner after at most three times that:
so much later every member knows of it (`streams.kafka.ownership`)."""
FETCH_BYTES = 256 << 10
"""Most bytes of one fetch from a partition, unless one producer's batch is larger. aiokafka keeps a
fetch for each partition besides what the intake counts: 64 MiB for 256 partitions."""
POLL_RECORDS = 2_000


class RecordRunSchema(faust.Schema):  # type: ignore[misc] # untyped upstream
    """Takes the run of records from the consumer as an event's value, without a codec."""

    def compile(self, app: Any, **_: Any) -> Any:
        async def decode(message: Any, *, propagate: bool = False) -> EventT:  # noqa: ARG001
            return app.create_event(None, message.value, None, message)

        return decode


class KafkaBoot(BootStrategy):  # type: ignore[misc] # untyped upstream
    """Boots without Faust's producer: an outbox sends instead."""

    enable_kafka_producer = False
    enable_web = False


class App(faust.App):  # type: ignore[misc] # untyped upstream
    """A Faust app with its intake. Built by `create_app`."""

    BootStrategy = KafkaBoot
    intake: Intake
    role: str
    worker_name: str
    """The name that it was given for its consumer group; may be empty."""
    birth: bytes
    """The age of its process among workers of its name."""
    brakes: Brakes
    """The brakes of its loops, kept in agreement with the store while it runs."""

    def _create_directories(self) -> None:
        """Create nothing: upstream makes folders for tables, and there are no tables."""

    def deliver(self, delivery: DeliveryLoop[Any]) -> None:
        """Add the agent that hands the messages of a topic to their delivery loop."""
        # acks=False: upstream tracks nothing; the intake's tracker does.
        topic = self.topic(delivery.topic, schema=RecordRunSchema(), acks=False)
        self.intake.add(delivery)

        @self.agent(topic, name=delivery.agent)  # type: ignore[untyped-decorator]
        async def agent(stream: Any) -> None:
            await delivery(stream)

    @Service.task  # type: ignore[untyped-decorator]
    async def _watch_brakes(self) -> None:
        await self.brakes.watch()


def create_app(
    role: str,
    settings: Settings,
    metrics: Metrics,
    brakes: Brakes,
    limits: IntakeLimits | None = None,
    **overrides: Any,
) -> App:
    """Return an app for one role, a consumer group of its own; nothing connects yet."""
    app = App(group_of(role), **(_options(role, settings) | overrides))
    app.role = role
    app.worker_name = settings.worker_name
    app.birth = new_birth()
    app.brakes = brakes
    app.intake = Intake(app.conf.id, limits)
    app.transport = Transport(app.conf.broker_consumer, app, app.intake, metrics)
    return app


def _options(role: str, settings: Settings) -> dict[str, Any]:
    return {
        "broker": [URL(f"kafka://{each.strip()}") for each in settings.kafka_bootstrap.split(",")],
        "broker_credentials": credentials(settings.brokers),
        "autodiscover": False,
        "store": "memory://",
        "web_enabled": False,  # the built-in site listens on every address and serves tables
        "agent_supervisor": CrashingSupervisor,  # an error that leaves a loop is a bug in it
        "topic_allow_declare": False,  # `mingle topics apply` does
        "topic_disable_leader": True,
        "table_standby_replicas": 0,
        # Calls the consumer's wait_empty at each rebalance and stop, which here settles the
        # delivery loops within a bound and commits.
        "stream_wait_empty": True,
        "broker_commit_interval": COMMIT_INTERVAL_SECONDS,
        "broker_session_timeout": SESSION_SECONDS,
        "broker_heartbeat_interval": SESSION_SECONDS / 10,
        "broker_rebalance_timeout": 60.0,
        "broker_request_timeout": 90.0,
        "broker_max_poll_interval": DAY_SECONDS,  # a paused consumer is not a dead one
        "broker_max_poll_records": POLL_RECORDS,
        "consumer_auto_offset_reset": "earliest",
        "consumer_max_fetch_size": FETCH_BYTES,
        "consumer_metadata_max_age_ms": int(METADATA_SECONDS * 1000),
        "broker_client_id": member_name(settings, role),
        # A restarted worker takes its partitions up again without a rebalance. Of two that run with
        # one such name the younger ends, so only a name that somebody chose is used like this.
        "consumer_group_instance_id": member_name(settings, role) if settings.worker_name else None,
    }


def member_name(settings: Settings, role: str) -> str:
    """Return the name of a worker in the consumer group of a role."""
    return f"{name_of_worker(settings)}-{role}"


def name_of_worker(settings: Settings) -> str:
    """Return the name that a worker was given, or that of its host and process."""
    return settings.worker_name or _process_name()


def _process_name() -> str:
    host = re.sub(r"[^a-zA-Z0-9._-]", "-", socket.gethostname())
    return f"{host[:48]}-{os.getpid()}"
