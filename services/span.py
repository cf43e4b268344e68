"""A range of a listing that is ordered by post id."""

from typing import NamedTuple

from schemas.ids import MAX_ID


class Span(NamedTuple):
    """The entries with above < post id < below, read from the newest or from the oldest."""

    above: int = 0
    below: int = MAX_ID
    newest_first: bool = True
