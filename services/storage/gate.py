"""How much a process has in flight at the store: a bound on requests and on their bytes."""

import asyncio
from collections import deque


class Gate:
    """First come, first served; a request larger than all bytes passes when nothing else is in.

    Belongs to one event loop. Whoever entered leaves exactly once.
    """

    def __init__(self, requests: int, size: int) -> None:
        self._free_requests = self._requests = requests
        self._free_size = self._size = size
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @property
    def inside(self) -> int:
        """Requests that entered and have not left."""
        return self._requests - self._free_requests

    async def enter(self, size: int) -> None:
        """Return when there is room for a request of so many bytes."""
        if not self._waiting and self._admits(size):
            self._take(size)
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((size, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it was let in and cannot use its place
                self.leave(size)
            else:
                self._admit_next()  # those behind it may fit where it did not
            raise

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
                turn.set_result(None)
            self._waiting.popleft()
