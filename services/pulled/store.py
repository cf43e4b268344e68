"""Port: whose posts are not pushed to their followers, but pulled when a home is read."""

from collections.abc import Collection
from typing import NamedTuple, Protocol

from schemas.ids import UserId


class Flag(NamedTuple):
    """Of the posts of an author in a bucket of post time, some may be stored in no home."""

    bucket: int
    author_id: UserId


class PulledStore(Protocol):
    """Flags only accumulate; flagging again changes nothing. They leave as entries of then do.

    By the post's own time, not by a clock: a post that is replayed is pulled where it stands, and
    its flag lasts as long as anybody may read it.
    """

    async def flag(self, flags: Collection[Flag]) -> None:
        """Durable on return, and seen by every `flagged` that begins later.

        Raises StoreUnavailable.
        """

    async def flagged(self, first: int) -> set[Flag]:
        """All flags of this bucket and later ones; one store request. Raises StoreUnavailable."""
