"""The driver's connections in the caller's event loop, instead of in a thread of their own.

`Cluster.connection_class` is the driver's extension point. Requests and answers then stay in one
thread: waking another thread and waiting for the interpreter's lock costs more than a small
request. The driver does what blocks (connecting, preparing, discovering nodes) in threads of its
own, never in the loop's.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from threading import get_ident
from typing import Any, ClassVar

from cassandra.connection import Connection, ConnectionShutdown


class LoopConnection(Connection):  # type: ignore[misc] # the driver is untyped
    """A connection in a running loop; `create_connection_class` makes the class for one.

    It buffers what a full socket does not take yet; the limiter bounds how much that can be. If it
    refused instead, as the driver's own connections do, each refusal would leak one of its 32,768
    request ids (`ResponseFuture._query` borrows one and does not return it), and once all are
    gone every request blocks the caller's thread for two seconds.
    """

    loop: ClassVar[asyncio.AbstractEventLoop]
    thread: ClassVar[int]
    open: ClassVar[set["LoopConnection"]]
    is_closed: bool

    def __init__(self, *args: Any, **options: Any) -> None:
        """Connect; the driver calls this in a thread of its own. Raises OSError, TimeoutError."""
        super().__init__(*args, **options)
        self._transport: asyncio.Transport
        self._connect_socket()
        self._socket.setblocking(False)
        self._transport = self._move_to_loop()
        self.open.add(self)
        self._send_options_message()

    def _wrap_socket_from_context(self) -> Any:
        """Upstream does the TLS handshake here; asyncio must do it itself, in the loop."""
        return self._socket

    def _move_to_loop(self) -> asyncio.Transport:
        """Hand the socket over to the loop; called in a thread of the driver's."""
        made: Future[asyncio.Transport] = Future()
        try:
            self.loop.call_soon_threadsafe(self._adopt, made)
        except RuntimeError as error:
            self._socket.close()
            raise ConnectionError("the loop has ended") from error
        try:
            return made.result(self.connect_timeout)
        finally:
            made.cancel()  # after a timeout `_adopt` sees this and aborts the transport

    def _adopt(self, made: "Future[asyncio.Transport]") -> None:
        def adopted(task: asyncio.Task[tuple[asyncio.Transport, _Protocol]]) -> None:
            error = None if task.cancelled() else task.exception()
            if error is not None or task.cancelled():
                self._socket.close()
                if made.set_running_or_notify_cancel():
                    made.set_exception(error or ConnectionError("the loop has ended"))
            elif made.set_running_or_notify_cancel():
                made.set_result(task.result()[0])
            else:
                task.result()[0].abort()

        connecting = self.loop.create_connection(
            lambda: _Protocol(self), sock=self._socket, **self._tls()
        )
        self._adopting = self.loop.create_task(connecting)
        self._adopting.add_done_callback(adopted)

    def _tls(self) -> dict[str, Any]:
        if self.ssl_context is None:
            return {}
        name = self.ssl_options.get("server_hostname") or self.endpoint.address
        return {
            "ssl": self.ssl_context,
            "server_hostname": name,
            "ssl_handshake_timeout": self.connect_timeout,
        }

    @classmethod
    def create_timer(cls, timeout: float, callback: Callable[[], None]) -> "Timer":
        """Return a timer that calls back in the loop."""
        return Timer(cls, timeout, callback)

    @classmethod
    def soon(cls, call: Callable[..., Any], *args: Any) -> None:
        """Call it in the loop: at once in the loop's own thread, never after the loop has ended."""
        if get_ident() == cls.thread:
            call(*args)
        else:
            with suppress(RuntimeError):  # the loop is closed: nobody waits for an answer
                cls.loop.call_soon_threadsafe(call, *args)

    def push(self, data: bytes) -> None:
        """Send data after all that the same thread has pushed before."""
        self.soon(self._transport.write, data)

    def close(self) -> None:
        """Close the connection and fail the requests that wait on it."""
        with self.lock:
            closed, self.is_closed = self.is_closed, True
        if closed:
            return
        self.open.discard(self)
        self.soon(self._transport.abort)
        if not self.is_defunct:
            self.error_all_requests(ConnectionShutdown(f"{self.endpoint}: connection closed"))
            self.connected_event.set()

    def received(self, data: bytes) -> None:
        self._iobuf.write(data)
        self.process_io_buffer()

    def lost(self, error: Exception | None) -> None:
        if error is None:
            self.close()
        else:
            self.defunct(error)


class Timer:
    """A delayed call, which any thread may cancel."""

    def __init__(
        self, connection: type[LoopConnection], seconds: float, callback: Callable[[], None]
    ) -> None:
        self._connection = connection
        self._cancelled = False
        self._handle: asyncio.TimerHandle | None = None
        connection.soon(self._start, seconds, callback)

    def _start(self, seconds: float, callback: Callable[[], None]) -> None:
        if not self._cancelled:
            self._handle = self._connection.loop.call_later(seconds, callback)

    def cancel(self) -> None:
        """Prevent the call, unless it was made already."""
        self._cancelled = True
        self._connection.soon(self._stop)

    def _stop(self) -> None:
        if self._handle is not None:
            self._handle.cancel()


class _Protocol(asyncio.Protocol):
    def __init__(self, connection: LoopConnection) -> None:
        self._connection = connection

    def data_received(self, data: bytes) -> None:
        self._connection.received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connection.lost(exc)


def create_connection_class() -> type[LoopConnection]:
    """Return a class of connections in the running loop; call it in the loop's thread."""
    place = {"loop": asyncio.get_running_loop(), "thread": get_ident(), "open": set()}
    return type("LoopConnection", (LoopConnection,), place)
