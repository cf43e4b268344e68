"""Port: when users last read their homes, and whether these may lack entries."""

from enum import IntEnum
from typing import NamedTuple, Protocol

from schemas.ids import IdArray, UserId


class ActivityKind(IntEnum):
    """The numbers that are kept of a user."""

    SEEN = 0
    """The day on which they last read, counted from the Unix epoch."""
    DORMANT = 1
    """How often they became dormant. While it is above AWAKE, fan-out may leave them out."""
    AWAKE = 2
    """The last dormancy that they returned from: fan-out writes to them again."""
    REBUILT = 3
    """The last dormancy after which their home was rebuilt."""


class Activity(NamedTuple):
    """The numbers of one user, in the order of `ActivityKind`; 0 where nothing is known."""

    seen: int = 0
    dormant: int = 0
    awake: int = 0
    rebuilt: int = 0

    @property
    def may_lack_entries(self) -> bool:
        """Whether fan-out may have left entries out of the home that are not rebuilt yet."""
        return self.dormant > self.rebuilt


class Activities(NamedTuple):
    """The numbers of many users, by column; users ascending, each once."""

    users: IdArray
    seen: IdArray
    dormant: IdArray
    awake: IdArray
    rebuilt: IdArray


class ActivityStore(Protocol):
    """Numbers that only rise, one of each kind per user. Every method raises StoreUnavailable."""

    async def raise_numbers(self, kind: ActivityKind, users: IdArray, numbers: IdArray) -> None:
        """Raise the number of users[i] to numbers[i], above 0; a lower one changes nothing.

        Durable on return, and seen by every later read.
        """

    async def load(self, user: UserId) -> Activity:
        """Return the numbers of a user; one store request.

        A number that it or `load_all` has returned is seen by every later call, even if its writer
        got no answer.
        """

    async def load_all(self) -> Activities:
        """Return the numbers of all users that have any; hundreds of requests."""

    async def erase(self, user: UserId) -> None:
        """Erase the numbers of a user that were raised by now. Durable on return."""
