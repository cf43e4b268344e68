"""Port: the authors whose posts are not pushed to followers, but pulled when a home is read."""

from collections.abc import Collection
from typing import NamedTuple, Protocol

from schemas.ids import UserId


class Flag(NamedTuple):
    """Marks that some of an author's posts of this bucket may be in no home."""

    bucket: int
    author_id: UserId


class PulledStore(Protocol):
    """Flags only accumulate, and flagging again changes nothing. They expire as home entries do.

    A flag is for the time of a post, not of the clock: a replayed post is pulled where it stands,
    and its flag lasts as long as the post may be read.
    """

    async def flag(self, flags: Collection[Flag]) -> None:
        """Store flags. Durable on return, and seen by every `flagged` that begins later.

        Raises StoreUnavailable.
        """

    async def flagged(self, first: int) -> set[Flag]:
        """Return the flags from bucket `first` on: one store request. Raises StoreUnavailable."""
