"""Remembers what share of each home's newest entries was hidden, to size the next read."""

from schemas.ids import UserId
from services.latest import Latest
from services.readers.paging import WalkResult
from services.readers.reader import UNLIMITED

MAX_REMEMBERED = 32_768
"""Viewers: some 5 MB."""
SPARE = 2
"""Hidden entries that a batch has room for where there were none."""


class Overscan:
    """Guesses how many entries fill a page. A wrong guess costs requests, never correctness."""

    def __init__(self) -> None:
        self._hidden_share: Latest[UserId, float] = Latest(MAX_REMEMBERED)
        """Hidden entries for each one that is shown."""

    def first_batch(self, viewer: UserId, limit: int) -> int:
        """Return how many entries filled the last page, and half as many hidden ones more."""
        share = self._hidden_share.get(viewer)
        if share is None:
            return UNLIMITED
        hidden = share * (limit + 1)
        return limit + 1 + round(hidden + max(SPARE, hidden / 2))

    def record(self, viewer: UserId, limit: int, found: WalkResult) -> None:
        """Remember the share of a walk; forget it where the walk ended early."""
        if len(found.items) > limit:
            self._hidden_share[viewer] = found.looked_at / len(found.items) - 1
        else:
            self._hidden_share.pop(viewer, None)
