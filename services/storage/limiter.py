"""A bound on the requests that a process has in flight at the store, and on their bytes."""

import asyncio
from collections import deque


class InFlightLimiter:
    """Admits requests first come, first served; one larger than the bound is admitted alone.

    Belongs to one event loop. Each request that entered leaves exactly once.
    """

    def __init__(self, requests: int, size: int) -> None:
        self._free_requests = self._requests = requests
        self._free_size = self._size = size
        self._waiting: deque[tuple[int, asyncio.Future[bool]]] = deque()

    @property
    def inside(self) -> int:
        """The number of requests that entered and have not left."""
        return self._requests - self._free_requests

    async def enter(self, size: int, seconds: float) -> bool:
        """Wait up to `seconds` for room for a request of `size` bytes; return whether there was.

        Uses no `asyncio.timeout`: its errors refer to themselves, so they and all that their frames
        hold would wait for the garbage collector.
        """
        if not self._waiting and self._admits(size):
            self._take(size)
            return True
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[bool] = loop.create_future()
        self._waiting.append((size, turn))
        end = loop.call_later(seconds, _deny, turn)
        try:
            admitted = await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.result():
                self.leave(size)  # it was admitted, but its caller is gone
            else:
                self._admit_next()  # smaller requests behind it may fit
            raise
        finally:
            end.cancel()
        if not admitted:
            self._admit_next()
        return admitted

    def leave(self, size: int) -> None:
        """Give back what `enter(size)` took."""
        self._free_requests += 1
        self._free_size += min(size, self._size)
        self._admit_next()

    def _admits(self, size: int) -> bool:
        return self._free_requests > 0 and min(size, self._size) <= self._free_size

    def _take(self, size: int) -> None:
        self._free_requests -= 1
        self._free_size -= min(size, self._size)

    def _admit_next(self) -> None:
        while self._waiting:
            size, turn = self._waiting[0]
            if not turn.done():
                if not self._admits(size):
                    return
                self._take(size)
                turn.set_result(True)
            self._waiting.popleft()


def _deny(turn: asyncio.Future[bool]) -> None:
    if not turn.done():
        turn.set_result(False)
