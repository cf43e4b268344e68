"""How many of a home's newest entries are hidden, as it was when they were last read."""

from schemas.ids import UserId
from services.latest import Latest
from services.readers.paging import WalkResult
from services.readers.reader import UNLIMITED

MAX_REMEMBERED = 32_768
"""Readers: some 5 MB."""
SPARE = 2
"""Hidden entries for which there is room where there were none."""


class Overscan:
    """Guesses how many entries fill a page. A wrong guess costs requests, and decides nothing."""

    def __init__(self) -> None:
        self._hidden_share: Latest[UserId, float] = Latest(MAX_REMEMBERED)
        """Hidden ones for each that is shown."""

    def first_batch(self, viewer: UserId, limit: int) -> int:
        """So many as were there for a page, and room for half as many hidden ones more."""
        share = self._hidden_share.get(viewer)
        if share is None:
            return UNLIMITED
        hidden = share * (limit + 1)
        return limit + 1 + round(hidden + max(SPARE, hidden / 2))

    def record(self, viewer: UserId, limit: int, found: WalkResult) -> None:
        """From a walk; of one that ended early nothing is known."""
        if len(found.items) > limit:
            self._hidden_share[viewer] = found.looked_at / len(found.items) - 1
        else:
            self._hidden_share.pop(viewer, None)
