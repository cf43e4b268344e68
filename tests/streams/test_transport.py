"""What the consumer takes in while the group rebalances."""

from collections.abc import Callable
from typing import Any

import pytest

from services.settings.settings import Settings
from streams.app import create_app
from streams.kafka.consumer_thread import Fetched
from streams.kafka.transport import Consumer
from tests.streams.fakes import P0, P1, memory_brakes, metrics, records

ASSIGNMENT = object()


class Thread:
    """Has fetched something of two partitions."""

    beacon = None

    async def getmany(self, *_: Any) -> Fetched:
        return Fetched(ASSIGNMENT, {P0: records(7), P1: records(7)}, {P0: 8, P1: 9})


class Alone(Consumer):
    """Without a broker."""

    def _new_consumer_thread(self) -> Any:
        return Thread()


def revoked(consumer: Consumer) -> None:
    consumer._claim = None
    consumer.intake.revoke()


def assigned_anew(consumer: Consumer) -> None:
    revoked(consumer)
    consumer._claim = (object(), consumer.intake.assign([P0, P1]))


@pytest.mark.parametrize("rebalance", [revoked, assigned_anew])
async def test_what_was_fetched_before_a_rebalance_is_left(
    rebalance: Callable[[Consumer], None],
) -> None:
    """Taken for a part of the next assignment it would let a commit pass what came before it."""
    app = create_app("ingest", Settings(), metrics(), memory_brakes())
    handed: list[Any] = []

    async def hand_over(message: Any) -> None:
        handed.append(message.value.partition)
        rebalance(consumer)

    consumer = Alone(
        app.transport, callback=hand_over, on_partitions_revoked=None, on_partitions_assigned=None
    )
    consumer._claim = (ASSIGNMENT, consumer.intake.assign([P0, P1]))
    await consumer._receive()
    assert handed == [P0]
    assert consumer.intake.acks.committable() == {}
    assert not any(map(consumer.intake.acks.held, consumer.intake.acks.partitions()))
