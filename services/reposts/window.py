"""Windows of 24 hours, counted from an original's own time (rule 4)."""

from typing import NamedTuple, Self

from schemas.ids import DAY_MS, MAX_ID, SEQUENCE_BITS, PostId

WINDOW_MS = DAY_MS


class Window(NamedTuple):
    """A window of an original, numbered from 0."""

    original_id: PostId
    number: int

    @classmethod
    def of(cls, post: PostId, original: PostId) -> Self:
        """Return the window of a repost, or of the original itself: the first for earlier posts."""
        after = (post >> SEQUENCE_BITS) - (original >> SEQUENCE_BITS)
        return cls(original, max(0, after // WINDOW_MS))

    @property
    def above(self) -> int:
        """The id that all reposts in the window are above."""
        return self._edge(self.number) - 1 if self.number else 0

    @property
    def below(self) -> int:
        """The id that all reposts in the window are below."""
        return min(self._edge(self.number + 1), MAX_ID)

    def _edge(self, number: int) -> int:
        start = (self.original_id >> SEQUENCE_BITS) + number * WINDOW_MS
        return start << SEQUENCE_BITS
