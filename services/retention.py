"""How long posts stay in home timelines, measured by their own time (rule 2)."""

from typing import NamedTuple

from schemas.ids import DAY_MS, DEFAULT_EPOCH, first_post_id


class Retention(NamedTuple):
    """0 `days` keep posts for ever; `epoch` is the one that post ids are minted with."""

    days: float = 30
    epoch: int = DEFAULT_EPOCH

    def floor(self, now: int) -> int:
        """Return the largest post id that is too old to show at `now` (ms); 0 if none is."""
        if not self.days:
            return 0
        return max(0, first_post_id(now - int(self.days * DAY_MS) + 1, self.epoch) - 1)
