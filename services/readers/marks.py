"""Read marks of a user (rule 25): they come from `read.marked` alone, reading never marks."""

from dataclasses import dataclass
from typing import TypeAlias

from schemas.ids import PostId, UserId
from services.relations.relations import ReadMark
from services.relations.store import RelationStore

MarkPlace: TypeAlias = tuple[PostId, int]
"""The post and the kind of a mark, in whose order marks are listed; post 0 is home."""


@dataclass(frozen=True, slots=True)
class ReadMarksReader:
    """Reads marks, a page at a time."""

    relations: RelationStore

    async def page(
        self, owner: UserId, after: MarkPlace | None, limit: int
    ) -> tuple[list[ReadMark], MarkPlace | None]:
        """Return up to `limit` marks, and the place to continue from; None at the end.

        Raises StoreUnavailable.
        """
        found: list[ReadMark] = []
        if after is None:
            home = (await self.relations.about(owner, ())).own.home_mark
            found = [] if home is None else [home]
        wanted = limit + 1 - len(found)
        found += await self.relations.thread_marks(
            owner, after=after or (PostId(0), 0), limit=wanted
        )
        last = found[limit - 1] if len(found) > limit else None
        return found[:limit], None if last is None else last[:2]
