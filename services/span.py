"""A part of a listing that is ordered by post id."""

from typing import NamedTuple

from schemas.ids import MAX_ID


class Span(NamedTuple):
    """The entries with above < post id < below that a reader wants, and from which end."""

    above: int = 0
    below: int = MAX_ID
    newest_first: bool = True
