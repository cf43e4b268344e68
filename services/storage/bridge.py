"""From the driver's threads to one event loop: bounded, timed, with errors in our own words."""

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from cassandra import (
    DriverException,
    FunctionFailure,
    RequestValidationException,
    Unauthorized,
    UnsupportedOperation,
)
from cassandra.cluster import NoHostAvailable
from cassandra.connection import ConnectionBusy, ConnectionException
from cassandra.protocol import ErrorMessage, SyntaxException

from services.errors import StoreUnavailable
from services.metrics import Metrics
from services.storage.gate import Gate
from services.storage.statements import Statement

BUSY_SECONDS = 0.002
"""Until a request is offered again that the driver refused because its socket's buffer is full."""

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
    __slots__ = ("future", "guard", "query", "size", "started", "statement")

    def __init__(
        self,
        statement: Statement,
        query: Any,
        size: int,
        future: asyncio.Future[Any],
        started: float,
    ) -> None:
        self.statement = statement
        self.query = query
        self.size = size
        self.future = future
        self.started = started
        self.guard: asyncio.TimerHandle | None = None


class Bridge:
    """Sends requests from the event loop and brings their results back to it.

    The driver answers in a thread of its own; many answers share one wake-up of the loop.
    """

    def __init__(
        self, execute: Callable[..., Any], gate: Gate, metrics: Metrics, timeout: float
    ) -> None:
        """`execute` is `Session.execute_async`.

        The timeout is kept here: the driver's own would wake its thread once more per request.
        """
        self._execute = execute
        self._gate = gate
        self._metrics = metrics
        self._timeout = timeout
        self._loop = asyncio.get_running_loop()
        self._answers: deque[tuple[_Call, Any, BaseException | None]] = deque()
        self._awake = False

    async def send(self, statement: Statement, query: Any, size: int) -> asyncio.Future[Any]:
        """Wait for room, then send; the future has the answer, or StoreUnavailable.

        A future that is cancelled leaves its request in flight, and counted, until the answer.
        """
        await self._gate.enter(size)
        call = _Call(statement, query, size, self._loop.create_future(), self._loop.time())
        self._metrics.store_inflight.set(self._gate.inside)
        call.guard = self._loop.call_later(
            self._timeout, self._settle, call, None, TimeoutError(f"none in {self._timeout:g} s")
        )
        self._submit(call)
        return call.future

    def _submit(self, call: _Call) -> None:
        if call.guard is None:
            return  # given up while its connections were busy
        try:
            response = self._execute(call.query, timeout=None)
        except Exception as error:  # noqa: BLE001 it becomes the future's
            self._settle(call, None, error)
            return
        response.add_callbacks(partial(self._answered, call), partial(self._failed, call))

    def _answered(self, call: _Call, answer: Any) -> None:
        self._wake(call, answer, None)

    def _failed(self, call: _Call, error: BaseException) -> None:
        self._wake(call, None, error)

    def _wake(self, call: _Call, answer: Any, error: BaseException | None) -> None:
        """In the driver's thread."""
        self._answers.append((call, answer, error))
        if not self._awake and not self._loop.is_closed():
            self._awake = True
            self._loop.call_soon_threadsafe(self._drain)

    def _drain(self) -> None:
        self._awake = False  # before emptying: an answer that comes meanwhile wakes again
        while self._answers:
            self._settle(*self._answers.popleft())

    def _settle(self, call: _Call, answer: Any, error: BaseException | None) -> None:
        if call.guard is None:
            return  # given up before its late answer came
        if _is_busy(error):
            self._loop.call_later(BUSY_SECONDS, self._submit, call)
            return
        call.guard.cancel()
        call.guard = None
        self._gate.leave(call.size)
        table, operation, _ = call.statement
        seconds = self._loop.time() - call.started
        self._metrics.store_request_seconds.labels(table, operation).observe(seconds)
        self._metrics.store_inflight.set(self._gate.inside)
        if call.future.done():
            return
        if error is None:
            call.future.set_result(answer)
        else:
            call.future.set_exception(translated(error, f"{table} {operation}"))


def translated(error: BaseException, what: str) -> BaseException:
    """StoreUnavailable for all that may pass; the error itself for a request that never can.

    Lacking a permission passes, once an operator grants it.
    """
    never = isinstance(error, _NEVER) and not isinstance(error, Unauthorized)
    if never or not isinstance(error, _NOT_NOW):
        return error
    unavailable = StoreUnavailable(f"{what}: {type(error).__name__}: {error}")
    unavailable.__cause__ = error
    return unavailable


def _is_busy(error: BaseException | None) -> bool:
    """Nothing was sent, and nothing is wrong with any node."""
    if not isinstance(error, NoHostAvailable) or not error.errors:
        return False
    return all(isinstance(each, ConnectionBusy) for each in error.errors.values())
