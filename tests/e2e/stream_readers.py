"""Many readers of streams on one API process, each on a connection of his own, and their clock."""

import asyncio
import re
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from typing import NamedTuple, Self
from urllib.parse import urlsplit

CONNECTS_AT_ONCE = 50
"""As when the readers of a process that ended come back one after the other."""
_ENTRY = re.compile(rb'event: entry\nid: [^\n]+\ndata: \{"post_id":"([0-9]+)"')
_END = re.compile(rb'event: end\ndata: \{"reason":"([a-z]+)"')
_BEGUN = b"event: change\n"


class DeliveredEvent(NamedTuple):
    """Who was told of a post, and when (the loop's time)."""

    user: int
    post: int
    at: float


class StreamReaders(AsyncExitStack):
    """Readers that have begun when the context is entered."""

    def __init__(self, address: str, users: Sequence[int], seconds: float) -> None:
        super().__init__()
        self.told: list[DeliveredEvent] = []
        self.ended: list[str] = []
        self._address = urlsplit(address)
        self._users = users
        self._seconds = seconds

    async def __aenter__(self) -> Self:
        turns = asyncio.Semaphore(CONNECTS_AT_ONCE)

        async def begin(user: int) -> None:
            async with turns:
                await self._begin(user)

        try:
            async with asyncio.timeout(self._seconds):
                await asyncio.gather(*map(begin, self._users))
        except BaseException:
            await self.aclose()
            raise
        return self

    async def until(self, holds: Callable[[], bool]) -> None:
        """Waits for it."""
        async with asyncio.timeout(self._seconds):
            while not holds():  # noqa: ASYNC110 - thousands of readers set no event
                await asyncio.sleep(0.01)

    async def _begin(self, user: int) -> None:
        reader, writer = await asyncio.open_connection(self._address.hostname, self._address.port)
        path = f"/v1/users/{user}/home/stream"
        writer.write(f"GET {path} HTTP/1.1\r\nHost: mingle\r\n\r\n".encode())
        self.push_async_callback(_leave, writer)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 "), head
        await reader.readuntil(_BEGUN)
        reading = asyncio.create_task(self._read(user, reader))
        self.callback(reading.cancel)

    async def _read(self, user: int, reader: asyncio.StreamReader) -> None:
        rest = b""
        while chunk := await reader.read(65_536):
            at = asyncio.get_running_loop().time()
            *whole, rest = (rest + chunk).split(b"\n\n")
            for event in whole:
                if found := _ENTRY.search(event):
                    self.told.append(DeliveredEvent(user, int(found[1]), at))
                if found := _END.search(event):
                    self.ended.append(found[1].decode())


async def _leave(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
