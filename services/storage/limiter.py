"""How much a process has in flight at the store: a bound on requests and on their bytes."""

import asyncio
from collections import deque


class InFlightLimiter:
    """First come, first served; a request larger than all bytes passes when nothing else is in.

    Belongs to one event loop. Whoever entered leaves exactly once.
    """

    def __init__(self, requests: int, size: int) -> None:
        self._free_requests = self._requests = requests
        self._free_size = self._size = size
        self._waiting: deque[tuple[int, asyncio.Future[bool]]] = deque()

    @property
    def inside(self) -> int:
        """Requests that entered and have not left."""
        return self._requests - self._free_requests

    async def enter(self, size: int, seconds: float) -> bool:
        """Whether there was room for a request of so many bytes within that time.

        Without `asyncio.timeout`, whose errors refer to themselves: they, and with them all that
        their frames hold, would wait for the garbage collector.
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
                self.leave(size)  # it was let in and cannot use its place
            else:
                self._admit_next()  # those behind it may fit where it did not
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
