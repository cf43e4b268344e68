"""Snapshots: compacted topics that are written from the store."""

from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec import Meta

FOLLOW_EDGES: Final = "follow-edges"
"""The topic with the newest fact of each edge in `follows`, also of ended edges."""

Offset: TypeAlias = Annotated[int, Meta(ge=0)]


class EdgesWritten(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="follow_edges.written"
):
    """Every edge that the store held at `began_at` is in the snapshot, as it stood then or later.

    `began_at` is in milliseconds since the Unix epoch, and only tells this snapshot's edges from
    older ones where erasures took some. `handled` holds an
    offset of `follows` for each partition: all facts below it were in the store by then. `edges` is
    the number of edges written, ended ones included.
    """

    began_at: Annotated[int, Meta(ge=0)]
    edges: Annotated[int, Meta(ge=0)]
    handled: tuple[Offset, ...]

    def handled_of(self, partition: int) -> int:
        """Return the offset of a partition below which the snapshot misses nothing."""
        return self.handled[partition] if partition < len(self.handled) else 0
