"""The connections that a server admits, and which of them make room for others."""

from collections import Counter, OrderedDict
from http import HTTPStatus
from typing import Final, Literal, NamedTuple, Protocol, TypeAlias

from services.api.rates import network_of
from services.metrics.metrics import Metrics

RefusalReason: TypeAlias = Literal[
    "request_line", "headers", "body", "slow", "unread", "invalid", "pipeline", "full", "address"
]


class Refusal(NamedTuple):
    """Why a server stops listening to a client, and the answer if it can still give one."""

    reason: RefusalReason
    status: HTTPStatus
    detail: str


FULL: Final = Refusal(
    "full", HTTPStatus.SERVICE_UNAVAILABLE, "as many connections are open as this process allows"
)
ADDRESS: Final = Refusal(
    "address", HTTPStatus.TOO_MANY_REQUESTS, "too many connections are open from this address"
)


class Admitted(Protocol):
    """A connection that has been let in."""

    def make_room(self) -> None:
        """Close at once: nothing is lost but what the client had not finished to ask."""


class Room:
    """The open connections of one server.

    A connection waits while no request of its client is being answered. When all places are taken,
    the one that has waited longest makes room, so that clients who only hold connections, or send
    requests by drops, keep nobody out. `per_address` 0 is no bound.
    """

    def __init__(self, metrics: Metrics, most: int = 1_000, per_address: int = 0) -> None:
        self._metrics = metrics
        self._most = most
        self._per_address = per_address
        self._open: dict[Admitted, str] = {}
        self._of_network: Counter[str] = Counter()
        self._waiting: OrderedDict[Admitted, None] = OrderedDict()

    def enter(self, connection: Admitted, address: str) -> Refusal | None:
        """Admit a connection, which then waits, or return why it is refused."""
        network = network_of(address)
        if self._per_address and self._of_network[network] >= self._per_address:
            return ADDRESS
        if len(self._open) >= self._most:
            if not self._waiting:
                return FULL
            self._make_room()
        self._open[connection] = network
        self._of_network[network] += 1
        self._waiting[connection] = None
        self._count_open()
        return None

    def begin_waiting(self, connection: Admitted) -> None:
        """Note that the client has its answers."""
        if connection in self._open:
            self._waiting[connection] = None

    def end_waiting(self, connection: Admitted) -> None:
        """Note that a request is complete and is being answered."""
        self._waiting.pop(connection, None)

    def leave(self, connection: Admitted) -> None:
        """Forget a connection that has ended, if it was admitted."""
        self._waiting.pop(connection, None)
        network = self._open.pop(connection, None)
        if network is None:
            return
        self._of_network[network] -= 1
        if not self._of_network[network]:
            del self._of_network[network]
        self._count_open()

    def count(self, refusal: Refusal) -> None:
        """Count a client that was refused."""
        self._metrics.http_refusals.labels(refusal.reason).inc()

    def _make_room(self) -> None:
        oldest = next(iter(self._waiting))
        self.leave(oldest)
        self.count(FULL)
        oldest.make_room()

    def _count_open(self) -> None:
        self._metrics.http_connections_open.set(len(self._open))
