"""What is said of a snapshot: a compacted topic that is written from the store."""

from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec import Meta

FOLLOW_EDGES: Final = "follow-edges"
"""Of each edge the newest fact of `follows`: as it stands, or how it ended."""

Offset: TypeAlias = Annotated[int, Meta(ge=0)]


class EdgesWritten(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="follow_edges.written"
):
    """Every edge that the store held at `began_at` is in the snapshot, as it stood then or later.

    `began_at` is in milliseconds since the Unix epoch and decides nothing. `handled` are offsets of
    `follows`, by partition: what is below them was in the store by then. `edges` are those that
    were written, ended ones included.
    """

    began_at: Annotated[int, Meta(ge=0)]
    edges: Annotated[int, Meta(ge=0)]
    handled: tuple[Offset, ...]

    def handled_of(self, partition: int) -> int:
        """Up to which offset of a partition nothing is missing."""
        return self.handled[partition] if partition < len(self.handled) else 0
