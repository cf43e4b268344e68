"""Windows of 24 hours, counted from an original's own time (rule 4)."""

from typing import NamedTuple, Self

from schemas.ids import DAY_MS, MAX_ID, SEQUENCE_BITS, PostId

WINDOW_MS = DAY_MS


class Window(NamedTuple):
    """The `number`th window of an original, from 0 on."""

    original_id: PostId
    number: int

    @classmethod
    def of(cls, post: PostId, original: PostId) -> Self:
        """That of a repost, or of the original itself; what is dated before it is in the first."""
        after = (post >> SEQUENCE_BITS) - (original >> SEQUENCE_BITS)
        return cls(original, max(0, after // WINDOW_MS))

    @property
    def above(self) -> int:
        """Reposts in the window have ids above this one."""
        return self._edge(self.number) - 1 if self.number else 0

    @property
    def below(self) -> int:
        """And below this one."""
        return min(self._edge(self.number + 1), MAX_ID)

    def _edge(self, number: int) -> int:
        began = (self.original_id >> SEQUENCE_BITS) + number * WINDOW_MS
        return began << SEQUENCE_BITS
