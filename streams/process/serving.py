"""HTTP in this process: uvicorn with bounds, without its own signal handling and logs."""

import asyncio
import resource
import socket
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Any, Final, NamedTuple

import uvicorn
from litestar import Litestar

from streams.process.bounded_http import BoundedProtocol
from streams.process.room import Room

START_SECONDS: Final = 10.0
GRACE_SECONDS: Final = 3
"""For requests in flight at the end; streams are cut."""
KEEP_ALIVE_SECONDS: Final = 75
"""Longer than clients and proxies keep an idle connection (httpx 5, nginx 60), so that they close
it: a request that crosses a close by the server would be lost."""
POLL_SECONDS: Final = 0.01
SILENCE_MS: Final = 60_000
"""How long the kernel keeps unsent data for a peer that takes nothing, or is gone."""
BACKLOG: Final = 1_024
"""Connections waiting to be accepted: a burst of clients after a restart."""
OTHER_FILES: Final = 100
"""Open files besides the clients' connections: those to stores and brokers, modules, logs."""


class Address(NamedTuple):
    """Where something listens."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture nothing: the process handles signals and stops more than this server."""
        yield


@asynccontextmanager
async def serve_app(
    app: Litestar, host: str, port: int, room: Room, proxies: Sequence[str] = ()
) -> AsyncIterator[Address]:
    """Serve the app until the context ends. Raises OSError for a taken port; 0 is any free one.

    If the app's state has `stopping`, it is called first, to end what would never end by itself.
    `proxies` are addresses and networks whose X-Forwarded-For is believed.
    """
    listener = _listen(host, port)
    protocol: Any = partial(BoundedProtocol, room)
    server = _Server(
        uvicorn.Config(
            app,
            http=protocol,
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=bool(proxies),
            forwarded_allow_ips=list(proxies),
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await asyncio.wait_for(_started(server, running), START_SECONDS)
        yield Address(*listener.getsockname()[:2])
    finally:
        app.state.get("stopping", _nothing)()
        server.should_exit = True
        await running


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    if sys.platform == "linux":  # accepted connections inherit it
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENCE_MS)
    return listener


def allow_files(connections: int) -> int:
    """Return how many of so many connections this process may have open at once.

    The soft limit of open files is raised as far as the hard one allows; a process that reaches it
    accepts nobody, however long somebody waits.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY:
        return connections
    return max(1, min(connections, soft - OTHER_FILES))


def _nothing() -> None:
    """Do nothing before the server waits for requests in flight."""


async def _started(server: uvicorn.Server, running: asyncio.Task[None]) -> None:
    while not server.started:
        if running.done():
            await running
            raise RuntimeError("the API ended before it had started; its log says why")
        await asyncio.sleep(POLL_SECONDS)
