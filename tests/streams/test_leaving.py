"""A consumer leaves its group within its time, whatever the brokers and aiokafka do."""

import asyncio

import pytest

from streams.kafka import leaving
from streams.kafka.leaving import leave


class Client:
    _sync_task: object = None

    def __init__(self) -> None:
        self.closed = 0

    async def close(self) -> None:
        self.closed += 1


class Consumer:
    """What leaving sees of aiokafka's."""

    def __init__(self) -> None:
        self._client = Client()

    async def stop(self) -> None:
        await self._client.close()


class CutShort(Consumer):
    async def stop(self) -> None:
        """As aiokafka's does while no broker is connected: it awaits what it has cancelled."""
        fetch = asyncio.create_task(asyncio.sleep(60))
        await asyncio.sleep(0)
        fetch.cancel()
        await fetch


class Broken(Consumer):
    async def stop(self) -> None:
        raise OSError("no broker")


class Lost(Broken):
    """Its connection has just failed, too."""

    class _Client(Client):
        async def close(self) -> None:
            await super().close()
            raise RuntimeError("the handler is closed")

    def __init__(self) -> None:
        self._client = self._Client()


class Unlearning(Consumer):
    """The task that keeps its metadata has failed, and closing it would raise that."""

    class _Client(Client):
        class _Failed:
            def done(self) -> bool:
                return True

        def __init__(self) -> None:
            super().__init__()
            self._sync_task = self._Failed()

        async def close(self) -> None:
            if self._sync_task is not None:
                raise RuntimeError("the handler is closed")
            await super().close()

    def __init__(self) -> None:
        self._client = self._Client()


class Silent(Consumer):
    async def stop(self) -> None:
        await asyncio.sleep(60)


@pytest.mark.parametrize(
    "consumer", [Consumer(), CutShort(), Broken(), Lost(), Unlearning(), Silent()]
)
async def test_connections_are_closed_and_leaving_ends(
    consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once, also where the end of the consumer is cut short, fails or hangs."""
    monkeypatch.setattr(leaving, "LEAVE_SECONDS", 0.05)
    await leave(consumer)
    assert consumer._client.closed == 1
