"""Requests of one event loop to the driver: bounded, timed, with errors of our own."""

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from threading import get_ident
from typing import Any

from cassandra import (
    DriverException,
    FunctionFailure,
    RequestValidationException,
    Unauthorized,
    UnsupportedOperation,
)
from cassandra.cluster import NoHostAvailable
from cassandra.connection import ConnectionException
from cassandra.protocol import ErrorMessage, SyntaxException

from services.errors import StoreUnavailable
from services.metrics.metrics import Metrics
from services.storage.limiter import InFlightLimiter
from services.storage.statements import Statement

LOST_SECONDS = 20.0
"""From a request's timeout until its connection counts as dead. TCP loses nothing, so an answer
this late comes with many others, or never. Short freezes need no new connection."""

_PERMANENT: tuple[type[BaseException], ...] = (
    RequestValidationException,
    FunctionFailure,
    UnsupportedOperation,
    SyntaxException,
)
_TRANSIENT: tuple[type[BaseException], ...] = (
    NoHostAvailable,
    ConnectionException,
    DriverException,
    ErrorMessage,
    OSError,
    TimeoutError,
)


class _Call:
    __slots__ = ("future", "guard", "response", "size", "started", "statement")

    def __init__(
        self, statement: Statement, size: int, future: asyncio.Future[Any], started: float
    ) -> None:
        self.statement = statement
        self.size = size
        self.future: asyncio.Future[Any] | None = future
        self.started = started
        self.response: Any = None
        self.guard: asyncio.TimerHandle


class RequestDispatcher:
    """Sends requests from the event loop and delivers their results to it.

    The driver answers in the loop's thread, and reports some failures in threads of its own.
    """

    def __init__(
        self,
        execute: Callable[..., Any],
        limiter: InFlightLimiter,
        metrics: Metrics,
        timeout: float,
        lost: float = LOST_SECONDS,
    ) -> None:
        """`execute` is `Session.execute_async`.

        The timeout is kept here: the driver's own would wake its thread once more for each request.
        """
        self._execute = execute
        self._limiter = limiter
        self._metrics = metrics
        self._timeout = timeout
        self._lost = lost
        self._loop = asyncio.get_running_loop()
        self._thread = get_ident()
        self._answers: deque[tuple[_Call, Any, BaseException | None]] = deque()
        self._awake = False

    async def send(self, statement: Statement, query: Any, size: int) -> asyncio.Future[Any]:
        """Wait for room, send, and return a future of the answer or of StoreUnavailable.

        Raises StoreUnavailable when there is no room within the timeout. A request whose future was
        cancelled or timed out stays in flight, and counted, until the driver releases it: so the
        limiter bounds what an unavailable store leaves in memory, however often it is tried.
        """
        if not await self._limiter.enter(size, self._timeout):
            raise StoreUnavailable(f"{_describe(statement)}: no room in {self._timeout:g} s")
        future = self._loop.create_future()
        call = _Call(statement, size, future, self._loop.time())
        self._metrics.store_inflight.set(self._limiter.inside)
        call.guard = self._loop.call_later(self._timeout, self._give_up, call)
        self._submit(call, query)
        return future

    def _submit(self, call: _Call, query: Any) -> None:
        try:
            call.response = self._execute(query, timeout=None)
        except Exception as error:  # noqa: BLE001 the future raises it
            self._settle(call, None, error)
            return
        call.response.add_callbacks(partial(self._answered, call), partial(self._failed, call))

    def _answered(self, call: _Call, answer: Any) -> None:
        self._wake(call, answer, None)

    def _failed(self, call: _Call, error: BaseException) -> None:
        self._wake(call, None, error)

    def _wake(self, call: _Call, answer: Any, error: BaseException | None) -> None:
        """Settle the call in the loop; called in any thread."""
        if get_ident() == self._thread:
            self._settle(call, answer, error)
            return
        self._answers.append((call, answer, error))
        if not self._awake and not self._loop.is_closed():
            self._awake = True
            self._loop.call_soon_threadsafe(self._drain)

    def _drain(self) -> None:
        self._awake = False  # first: an answer that comes meanwhile must wake the loop again
        while self._answers:
            self._settle(*self._answers.popleft())

    def _settle(self, call: _Call, answer: Any, error: BaseException | None) -> None:
        """The driver has released the request."""
        call.guard.cancel()
        call.response = None  # breaks a reference cycle, which would keep the request's bytes
        self._limiter.leave(call.size)
        self._metrics.store_inflight.set(self._limiter.inside)
        self._finish(call, answer, error)

    def _give_up(self, call: _Call) -> None:
        """Fail the caller's future while the driver still holds the request."""
        self._finish(call, None, TimeoutError(f"no answer in {self._timeout:g} s"))
        self._watch(call)

    def _watch(self, call: _Call) -> None:
        connection = call.response._connection  # noqa: SLF001 no public name leads to it
        call.guard = self._loop.call_later(self._lost, self._drop, call, connection)

    def _drop(self, call: _Call, connection: Any) -> None:
        """Drop a connection that stayed silent, which fails all requests on it.

        If the driver has retried on another connection meanwhile, that one gets as long.
        """
        if connection is not None and call.response._connection is connection:  # noqa: SLF001
            connection.defunct(ConnectionException(f"no answer to {_describe(call.statement)}"))
        if call.response is not None:  # the driver holds it on another connection
            self._watch(call)

    def _finish(self, call: _Call, answer: Any, error: BaseException | None) -> None:
        # The driver may hold the call for long; it must not keep the caller's frames by the future.
        future, call.future = call.future, None
        if future is None or future.done():
            return  # timed out or cancelled before its answer came
        table, operation, _ = call.statement
        seconds = self._loop.time() - call.started
        self._metrics.store_request_seconds.labels(table, operation).observe(seconds)
        if error is None:
            future.set_result(answer)
        else:
            future.set_exception(translate_error(error, _describe(call.statement)))


def _describe(statement: Statement) -> str:
    return f"{statement.table} {statement.operation}"


def translate_error(error: BaseException, what: str) -> BaseException:
    """Return StoreUnavailable for an error that may pass, else the error itself.

    A missing permission counts as passing: an operator may grant it.
    """
    permanent = isinstance(error, _PERMANENT) and not isinstance(error, Unauthorized)
    if permanent or not isinstance(error, _TRANSIENT):
        return error
    unavailable = StoreUnavailable(f"{what}: {type(error).__name__}: {error}")
    unavailable.__cause__ = error
    return unavailable
