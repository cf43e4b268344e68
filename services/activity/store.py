"""Port: when each user last read his home, and whether it may lack entries meanwhile."""

from enum import IntEnum
from typing import NamedTuple, Protocol

from schemas.ids import IdArray, UserId


class ActivityKind(IntEnum):
    """What a number of a user says."""

    SEEN = 0
    """The day on which he last read, counted from the Unix epoch."""
    DORMANT = 1
    """How often he was put to sleep. While it is above AWAKE, entries may be left out."""
    AWAKE = 2
    """The last sleep that he came back from: for it nothing more is left out."""
    REBUILT = 3
    """The last sleep after which his home was written anew."""


class Activity(NamedTuple):
    """Of one user, in the order of `ActivityKind`; 0 where nothing is known."""

    seen: int = 0
    dormant: int = 0
    awake: int = 0
    rebuilt: int = 0

    @property
    def may_lack_entries(self) -> bool:
        """Whether entries may be missing from his home that somebody left out."""
        return self.dormant > self.rebuilt


class Activities(NamedTuple):
    """The same of many, by column; users ascending, each once."""

    users: IdArray
    seen: IdArray
    dormant: IdArray
    awake: IdArray
    rebuilt: IdArray


class ActivityStore(Protocol):
    """Numbers that only rise, one of each kind for a user. Every method raises StoreUnavailable."""

    async def raise_numbers(self, kind: ActivityKind, users: IdArray, numbers: IdArray) -> None:
        """Raises the number of users[i] to numbers[i], above 0; a lower one changes nothing.

        Durable on return, and seen by whatever is read from then on.
        """

    async def load(self, user: UserId) -> Activity:
        """What is known of a user; one store request.

        What it or `load_all` has given is seen by every call that begins later, also where
        whoever wrote it was not answered.
        """

    async def load_all(self) -> Activities:
        """What is known of everybody, for those of whom anything is; hundreds of requests."""
