"""A TCP proxy that misbehaves when it is told to: between clients and a server on this machine."""

import asyncio
import gc
import socket
import struct
import threading
import warnings
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self, TypeVar

T = TypeVar("T")
End = tuple[asyncio.StreamReader, asyncio.StreamWriter]

HOST = "127.0.0.1"
CHUNK = 64 << 10
HELD_CHUNKS = 64
"""On their way in one direction of a link; beyond it the sender is not read: a full network."""
CALL_SECONDS = 10.0
NO_LINGER = struct.pack("ii", 1, 0)
"""For a socket that says RST when it is closed, not FIN."""


@dataclass
class Weather:
    """What happens to bytes just now, and what has happened."""

    request_latency: float = 0.0
    answer_latency: float = 0.0
    """Seconds that bytes are on their way, beyond what the machine takes."""
    swallowing: bool = False
    refusing: bool = False
    budget: Callable[[], int] | None = None
    passes: asyncio.Event = field(default_factory=asyncio.Event)

    delayed: int = 0
    """Chunks that were on their way for longer than they took."""
    halted: int = 0
    """Chunks that stood because nothing passed."""
    lost: int = 0
    """Bytes of answers that were swallowed."""
    broken: int = 0
    """Links that were ended here, not by client or server."""
    refused: int = 0
    """Clients that were turned away."""


CLOSING_SECONDS = 0.05
"""For sockets that were closed to let go of the loop: nothing says when they have."""


class Proxy:
    """Everything passes, unless it is told otherwise; may be told so from any thread.

    A context: outside of it nothing listens. Clients connect to `port`. TCP loses no bytes, so
    a link that has lost some does not live on: it is reset when the loss ends.
    """

    def __init__(self, target_port: int) -> None:
        self.port = 0
        self.weather = Weather()
        self._target_port = target_port
        self._links: set[_Link] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: asyncio.Server

    def __enter__(self) -> Self:
        self._thread.start()
        self._call(self._open())
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CALL_SECONDS)
        self._loop.close()
        with warnings.catch_warnings():  # connections that were cut in mid-air end with their loop
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()

    @property
    def links(self) -> int:
        """Connections that stand."""
        return len(self._links)

    @contextmanager
    def slow(self, *, requests: float = 0.0, answers: float = 0.0) -> Iterator[None]:
        """Bytes take so many seconds more; as many as ever are on their way."""
        self.weather.request_latency, self.weather.answer_latency = requests, answers
        try:
            yield
        finally:
            self.weather.request_latency = self.weather.answer_latency = 0.0

    @contextmanager
    def swallowing(self) -> Iterator[None]:
        """Requests reach the server; its answers are lost."""
        self.weather.swallowing = True
        try:
            yield
        finally:
            self.weather.swallowing = False
            self._end(lambda link: link.lossy)

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Half open: connections stand and are made, nothing passes. What was held then goes on."""
        self._loop.call_soon_threadsafe(self.weather.passes.clear)
        try:
            yield
        finally:
            self._loop.call_soon_threadsafe(self.weather.passes.set)

    @contextmanager
    def gone(self) -> Iterator[None]:
        """Every link is reset, and whoever connects likewise."""
        self.weather.refusing = True
        self.reset()
        try:
            yield
        finally:
            self.weather.refusing = False

    @contextmanager
    def breaking_after(self, budget: Callable[[], int]) -> Iterator[None]:
        """A link is reset after so many more bytes of requests, mostly in the middle of one."""
        self.weather.budget = budget
        try:
            yield
        finally:
            self.weather.budget = None

    def cut(self) -> None:
        """End every link in an orderly way."""
        self._end(lambda _: True, reset=False)

    def reset(self) -> None:
        """End every link; its client gets an error."""
        self._end(lambda _: True)

    def _end(self, doomed: Callable[["_Link"], bool], *, reset: bool = True) -> None:
        async def end() -> None:
            chosen = [link for link in self._links if doomed(link)]
            for link in chosen:
                link.end(reset=reset)
            await asyncio.gather(*(link.ended.wait() for link in chosen))

        self._call(end())

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(CALL_SECONDS)

    async def _open(self) -> None:
        self.weather.passes.set()
        self._server = await asyncio.start_server(self._accept, HOST, 0, limit=CHUNK)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        self._server.close()
        for link in set(self._links):
            link.end(reset=False)
            await link.ended.wait()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        if others:  # tasks that have a step to go: a closed loop would leave them pending
            await asyncio.wait(others, timeout=CALL_SECONDS / 2)
        await asyncio.sleep(CLOSING_SECONDS)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self.weather.refusing:
                raise ConnectionRefusedError
            far = await asyncio.open_connection(HOST, self._target_port, limit=CHUNK)
        except OSError:
            self.weather.refused += 1
            _reset(writer)
            return
        link = _Link(self.weather, (reader, writer), far)
        self._links.add(link)
        try:
            await link.carry()
        finally:
            self._links.discard(link)
            link.ended.set()


class _Link:
    """A client's connection, and the one to the server that answers it."""

    def __init__(self, weather: Weather, near: End, far: End) -> None:
        self.lossy = False
        self.ended = asyncio.Event()
        self._weather = weather
        self._near = near
        self._far = far
        self._left: int | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def carry(self) -> None:
        """Until one side ends it, or `end` does."""
        requests = _Direction(self._near[0], self._far[1], self._weather)
        answers = _Direction(self._far[0], self._near[1], self._weather)
        self._tasks = [
            asyncio.ensure_future(each)
            for each in (
                requests.take(lambda: self._weather.request_latency),
                answers.take(lambda: self._weather.answer_latency),
                requests.hand_on(self._within_budget),
                answers.hand_on(self._not_lost),
            )
        ]
        await asyncio.wait(self._tasks[2:], return_when=asyncio.FIRST_COMPLETED)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for _, writer in (self._near, self._far):
            writer.close()

    def end(self, *, reset: bool) -> None:
        """The server may still read what has reached it."""
        self._weather.broken += 1
        if reset:
            _reset(self._near[1])
        for task in self._tasks:
            task.cancel()

    def _within_budget(self, data: bytes) -> bytes:
        """As much as may still pass; what is beyond breaks the link."""
        if self._weather.budget is None:
            self._left = None
            return data
        if self._left is None:
            self._left = self._weather.budget()
        passing = data[: self._left]
        self._left -= len(passing)
        if len(passing) < len(data):
            # Once this part is written.
            asyncio.get_running_loop().call_soon(partial(self.end, reset=True))
        return passing

    def _not_lost(self, data: bytes) -> bytes:
        if not self._weather.swallowing:
            return data
        self.lossy = True
        self._weather.lost += len(data)
        return b""


class _Direction:
    """From one socket to another, in order, each chunk when it is due."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, weather: Weather
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._weather = weather
        self._held: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(HELD_CHUNKS)

    async def take(self, latency: Callable[[], float]) -> None:
        """The last chunk is empty."""
        loop = asyncio.get_running_loop()
        data = b"unread"
        while data:
            try:
                data = await self._reader.read(CHUNK)
            except ConnectionError:
                data = b""
            seconds = latency()
            self._weather.delayed += seconds > 0
            await self._held.put((loop.time() + seconds, data))

    async def hand_on(self, passing: Callable[[bytes], bytes]) -> None:
        """Until the end; `passing` is what becomes of a chunk."""
        loop = asyncio.get_running_loop()
        while True:
            due, data = await self._held.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            self._weather.halted += not self._weather.passes.is_set()
            await self._weather.passes.wait()
            if not data:
                return
            with suppress(ConnectionError):
                self._writer.write(passing(data))
                await self._writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    connection: socket.socket = writer.get_extra_info("socket")
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
    writer.transport.abort()
