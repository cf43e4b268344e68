"""From the driver to one event loop: bounded, timed, with errors in our own words."""

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
"""From a timeout until its connection counts as dead: TCP loses nothing, so an answer that is this
late comes with many others, or never. Short freezes need no new connection."""

_NEVER: tuple[type[BaseException], ...] = (
    RequestValidationException,
    FunctionFailure,
    UnsupportedOperation,
    SyntaxException,
)
_NOT_NOW: tuple[type[BaseException], ...] = (
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
    """Sends requests from the event loop and brings their results back to it.

    The driver answers in the loop's thread; what it gives up on, in threads of its own too.
    """

    def __init__(
        self,
        execute: Callable[..., Any],
        gate: InFlightLimiter,
        metrics: Metrics,
        timeout: float,
        lost: float = LOST_SECONDS,
    ) -> None:
        """`execute` is `Session.execute_async`.

        The timeout is kept here: the driver's own would wake its thread once more per request.
        """
        self._execute = execute
        self._gate = gate
        self._metrics = metrics
        self._timeout = timeout
        self._lost = lost
        self._loop = asyncio.get_running_loop()
        self._thread = get_ident()
        self._answers: deque[tuple[_Call, Any, BaseException | None]] = deque()
        self._awake = False

    async def send(self, statement: Statement, query: Any, size: int) -> asyncio.Future[Any]:
        """Wait for room, then send; the future has the answer, or StoreUnavailable.

        So does waiting for room raise StoreUnavailable, after as long. A future that is cancelled
        or has timed out leaves its request in flight, and counted, until the driver has let go
        of it: what a store that is away leaves in memory is bounded by the gate, however often
        it is tried.
        """
        if not await self._gate.enter(size, self._timeout):
            raise StoreUnavailable(f"{_what(statement)}: no room in {self._timeout:g} s")
        future = self._loop.create_future()
        call = _Call(statement, size, future, self._loop.time())
        self._metrics.store_inflight.set(self._gate.inside)
        call.guard = self._loop.call_later(self._timeout, self._give_up, call)
        self._submit(call, query)
        return future

    def _submit(self, call: _Call, query: Any) -> None:
        try:
            call.response = self._execute(query, timeout=None)
        except Exception as error:  # noqa: BLE001 it becomes the future's
            self._settle(call, None, error)
            return
        call.response.add_callbacks(partial(self._answered, call), partial(self._failed, call))

    def _answered(self, call: _Call, answer: Any) -> None:
        self._wake(call, answer, None)

    def _failed(self, call: _Call, error: BaseException) -> None:
        self._wake(call, None, error)

    def _wake(self, call: _Call, answer: Any, error: BaseException | None) -> None:
        """In any thread."""
        if get_ident() == self._thread:
            self._settle(call, answer, error)
            return
        self._answers.append((call, answer, error))
        if not self._awake and not self._loop.is_closed():
            self._awake = True
            self._loop.call_soon_threadsafe(self._drain)

    def _drain(self) -> None:
        self._awake = False  # before emptying: an answer that comes meanwhile wakes again
        while self._answers:
            self._settle(*self._answers.popleft())

    def _settle(self, call: _Call, answer: Any, error: BaseException | None) -> None:
        """The driver has let go of it."""
        call.guard.cancel()
        call.response = None  # it refers to the call: a cycle would keep both, and their bytes
        self._gate.leave(call.size)
        self._metrics.store_inflight.set(self._gate.inside)
        self._finish(call, answer, error)

    def _give_up(self, call: _Call) -> None:
        """Whoever waits is told; the driver still holds the request."""
        self._finish(call, None, TimeoutError(f"none in {self._timeout:g} s"))
        self._watch(call)

    def _watch(self, call: _Call) -> None:
        connection = call.response._connection  # noqa: SLF001 no public name leads to it
        call.guard = self._loop.call_later(self._lost, self._drop, call, connection)

    def _drop(self, call: _Call, connection: Any) -> None:
        """A connection that is dropped fails all it holds.

        Another that the driver has turned to meanwhile is given as long.
        """
        if connection is not None and call.response._connection is connection:  # noqa: SLF001
            connection.defunct(ConnectionException(f"no answer to {_what(call.statement)}"))
        if call.response is not None:  # the driver still holds it, elsewhere
            self._watch(call)

    def _finish(self, call: _Call, answer: Any, error: BaseException | None) -> None:
        # The driver may hold the call for long, and the future's error the frames of whoever waits.
        future, call.future = call.future, None
        if future is None or future.done():
            return  # given up or cancelled before its answer came
        table, operation, _ = call.statement
        seconds = self._loop.time() - call.started
        self._metrics.store_request_seconds.labels(table, operation).observe(seconds)
        if error is None:
            future.set_result(answer)
        else:
            future.set_exception(translate_error(error, _what(call.statement)))


def _what(statement: Statement) -> str:
    return f"{statement.table} {statement.operation}"


def translate_error(error: BaseException, what: str) -> BaseException:
    """StoreUnavailable for all that may pass; the error itself for a request that never can.

    Lacking a permission passes, once an operator grants it.
    """
    never = isinstance(error, _NEVER) and not isinstance(error, Unauthorized)
    if never or not isinstance(error, _NOT_NOW):
        return error
    unavailable = StoreUnavailable(f"{what}: {type(error).__name__}: {error}")
    unavailable.__cause__ = error
    return unavailable
