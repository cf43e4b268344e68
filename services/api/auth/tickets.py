"""Tickets: what stands for a token where a client can send no header, as a browser's EventSource.

A ticket is encrypted as cursors are, and lets its viewer into one path for a minute. What it opened
lasts no longer than the token that it was given for. It may be used again within its minute, as an
EventSource does that reconnects: for once only, processes would have to tell each other.
"""

import struct
from collections.abc import Sequence
from secrets import token_hex
from typing import Final

from schemas.ids import UserId
from services.api.auth.tokens import Caller
from services.api.cursors import Cursors, InvalidCursor
from services.api.problems import Unauthenticated
from services.clock import Clock

TICKET_SECONDS: Final = 60
"""From asking for a ticket to opening the stream: it stands in a URL, which others may log."""
_PAYLOAD: Final = struct.Struct(">QQQ")  # when it ends, the viewer, when the token ends


class Tickets:
    """Gives tickets and takes them back. The first key encrypts, all decrypt.

    Without keys they are good for this process alone: those of cursors would then be public.
    """

    def __init__(self, keys: Sequence[str], clock: Clock) -> None:
        self._cursors = Cursors(keys or (token_hex(),))
        self._clock = clock

    def give(self, path: str, viewer: UserId, until: int) -> str:
        """Return a ticket to a path, for the holder of a token that is good `until` a time (ms)."""
        ends = self._clock() + 1_000 * TICKET_SECONDS
        return self._cursors.encrypt(_place(path), _PAYLOAD.pack(ends, viewer, until))

    def admit(self, path: str, ticket: str) -> Caller:
        """Return whom a ticket lets in now. Raises Unauthenticated."""
        ends, _, _ = self._opened(path, ticket)
        if self._clock() >= ends:
            raise Unauthenticated("the ticket has expired")
        return self.holder(path, ticket)

    def holder(self, path: str, ticket: str) -> Caller:
        """Return whom a ticket has let in, for as long as their token is good.

        Raises Unauthenticated.
        """
        _, viewer, until = self._opened(path, ticket)
        if self._clock() >= until:
            raise Unauthenticated("expired")
        return Caller(UserId(viewer), frozenset(), until)

    def _opened(self, path: str, ticket: str) -> tuple[int, int, int]:
        try:
            return _PAYLOAD.unpack(self._cursors.decrypt(_place(path), ticket))
        except (InvalidCursor, struct.error):
            raise Unauthenticated("not a ticket to this path") from None


def _place(path: str) -> str:
    return f"ticket{path}"
