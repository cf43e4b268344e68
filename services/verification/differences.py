"""How the store differs from what it must hold."""

from collections.abc import Set as AbstractSet
from typing import NamedTuple, Self, TypeAlias

from schemas.ids import PostId, UserId

ShownEntry: TypeAlias = tuple[PostId, UserId | None]
"""A post in a home, or a post with a user that is named on it as having reposted it."""


class Differences(NamedTuple):
    """Entries that are not shown and must be, or are shown and must not be."""

    missing: frozenset[ShownEntry] = frozenset()
    extra: frozenset[ShownEntry] = frozenset()

    @classmethod
    def between(cls, expected: AbstractSet[ShownEntry], found: AbstractSet[ShownEntry]) -> Self:
        return cls(frozenset(expected - found), frozenset(found - expected))

    def confirmed_by(self, later: "Differences") -> "Differences":
        """Return the differences that a later look finds, too; late entries have arrived."""
        return Differences(self.missing & later.missing, self.extra & later.extra)

    @property
    def missing_posts(self) -> list[PostId]:
        """The posts of what is missing by id, each once, however many users are named on it."""
        return _posts_of(self.missing)

    @property
    def extra_posts(self) -> list[PostId]:
        """The posts of what is extra, likewise."""
        return _posts_of(self.extra)

    def __bool__(self) -> bool:
        return bool(self.missing or self.extra)


def _posts_of(entries: AbstractSet[ShownEntry]) -> list[PostId]:
    return sorted({post for post, _ in entries})
