"""Port: the brakes of topics, shared by all workers and kept across restarts."""

from collections.abc import Collection
from typing import NamedTuple, Protocol

from streams.delivery.brake.rule import BrakeReason


class Engagement(NamedTuple):
    """A worker engaged the brake of a topic: a number that only rises, and the reason."""

    number: int
    reason: BrakeReason
    dead: int
    messages: int

    def __str__(self) -> str:
        if self.reason == "row":
            return f"{self.dead:,} dead letters in a row"
        return f"{self.dead:,} dead letters among the last {self.messages:,} messages"


class BrakeState(NamedTuple):
    """The highest engagement of a topic, and the highest number that an operator has released.

    The brake is on while the former is above the latter: no clocks are compared, and writes may
    arrive in any order, late and twice.
    """

    engaged: Engagement | None = None
    released: int = 0
    tolerated: int = 0
    """Dead letters that each worker leaves out of its count after this release."""

    @property
    def is_on(self) -> bool:
        return self.engaged is not None and self.engaged.number > self.released


class BrakeStore(Protocol):
    """Each `load` sees every write that returned before it began."""

    async def engage(self, topic: str, engagement: Engagement) -> None:
        """Store an engagement, unless a higher one is stored. Idempotent. Raises StoreUnavailable.

        With equal numbers the larger value of each field is kept.
        """

    async def release(self, topic: str, number: int, tolerated: int = 0) -> None:
        """Release every engagement up to this number. Idempotent. Raises StoreUnavailable.

        With equal numbers the larger `tolerated` is kept.
        """

    async def load(self, topics: Collection[str]) -> dict[str, BrakeState]:
        """Return the state of each topic, an empty one where nothing is stored.

        Raises StoreUnavailable.
        """
