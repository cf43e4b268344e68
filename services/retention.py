"""How long posts stay in home timelines, by the post's own time (rule 2)."""

from typing import NamedTuple

from schemas.ids import DAY_MS, DEFAULT_EPOCH, first_post_id


class Retention(NamedTuple):
    """`days` of 0 keeps posts for ever; `epoch` is the one post ids are minted with."""

    days: float = 30
    epoch: int = DEFAULT_EPOCH

    def floor(self, now: int) -> int:
        """The largest post id that is too old to be shown at `now`; 0 where none is."""
        if not self.days:
            return 0
        return max(0, first_post_id(now - int(self.days * DAY_MS) + 1, self.epoch) - 1)
