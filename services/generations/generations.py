"""Generations of home timelines: which exist, which is read, and how the list may change. Pure.

A generation is a suffix of the names of the home tables. Workers write all that are listed, readers
read one. Each change numbers the list anew, so that a worker can acknowledge the list it uses.
"""

from typing import Final, NamedTuple

import msgspec

from services.errors import MingleError
from services.storage.generation_tables import FIRST

NAME_PATTERN: Final = r"[a-z][a-z0-9]{0,15}"
"""The names that a generation may have, as part of a table's name."""
MAX_LISTED: Final = 3
"""Generations listed at a time, as every delivery is written to each: the one that is read, the one
before it, and one that is being filled."""

MAX_VOIDED: Final = 100
"""Void plans that are remembered. The group of a replay is its generation's alone besides, so that
an older plan would at worst begin anew; without a generation it would go on where it was."""


class GenerationKey(NamedTuple):
    """A generation's name and the list it came with: names may be used again."""

    name: str
    since: int


class GenerationRefused(MingleError):
    """Raised for a change that would show less than there is. Operators read its text."""


class Generation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A generation that is written from list `since` on, and until list `until` once it retires.

    `replay` is the name of the plan that fills it; it is not read before it is `whole`.
    """

    name: str
    since: int = 0
    until: int | None = None
    replay: str = ""
    whole: bool = False

    @property
    def key(self) -> GenerationKey:
        return GenerationKey(self.name, self.since)

    @property
    def is_written(self) -> bool:
        return self.until is None


class Generations(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The list of generations. `before` is the one that a rollback returns to, if any.

    `voided` are the plans that were cancelled, or whose generations were retired, unset until there
    are any: releases that do not know it read all other lists.
    """

    number: int = 0
    live: str = FIRST
    before: str | None = None
    listed: tuple[Generation, ...] = (Generation(FIRST, whole=True),)
    voided: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET

    @property
    def written(self) -> tuple[Generation, ...]:
        """The generations that every delivery is written to."""
        return tuple(each for each in self.listed if each.is_written)

    @property
    def read(self) -> Generation:
        """The generation that homes are read from."""
        return next(each for each in self.listed if each.name == self.live)

    def get(self, name: str) -> Generation | None:
        return next((each for each in self.listed if each.name == name), None)

    def writes(self, key: GenerationKey) -> bool:
        """Whether this very generation is listed and written."""
        return any(each.key == key for each in self.written)

    def expect_valid(self, replay: str) -> None:
        """Raise GenerationRefused where a replay was cancelled, or what it filled was retired."""
        if replay in self._voided:
            raise GenerationRefused(
                f"replay {replay} was cancelled, or the generation that it filled was retired, "
                "which voids its plan: make a new one (mingle replay plan)"
            )

    def void(self, replay: str) -> "Generations":
        """Return the list with the plan of a replay void: its processes end, none begins."""
        return self if replay in self._voided else self._next(voided=self._with_void(replay))

    def add(self, name: str, replay: str) -> "Generations":
        """Return the list with one more, for a replay to fill. Raises GenerationRefused."""
        known = self.get(name)
        if known is not None and known.is_written and known.replay == replay:
            return self
        if known is not None:
            raise GenerationRefused(f"generation {name} is there already: retire it first")
        self.expect_valid(replay)
        if len(self.listed) >= MAX_LISTED:
            names = ", ".join(each.name for each in self.listed)
            raise GenerationRefused(f"there are {len(self.listed)} already ({names}): retire one")
        fresh = Generation(name, self.number + 1, replay=replay)
        return self._next(listed=(*self.listed, fresh))

    def mark_filled(self, name: str, replay: str) -> "Generations":
        """Return the list with this one whole, as its replay is over. Raises GenerationRefused."""
        known = self._written(name)
        if known.replay != replay:
            raise GenerationRefused(f"generation {name} is not filled by replay {replay}")
        return self if known.whole else self._with(known, whole=True)

    def cutover(self, name: str) -> "Generations":
        """Return the list with this one read. Raises GenerationRefused unless it is whole."""
        if not self._written(name).whole:
            raise GenerationRefused(
                f"generation {name} is not whole: its replay is not over (mingle replay status)"
            )
        return self if name == self.live else self._next(live=name, before=self.live)

    def rollback(self) -> "Generations":
        """Return the list with the previous one read again. Raises GenerationRefused."""
        if self.before is None:
            raise GenerationRefused("there is no generation to go back to")
        return self._next(live=self.before, before=None)

    def retire(self, name: str) -> "Generations":
        """Return the list with this one retired and the plan that filled it void.

        Raises GenerationRefused if it is read.
        """
        known = self.get(name)
        if known is None:
            raise GenerationRefused(f"there is no generation {name}")
        if name == self.live:
            raise GenerationRefused(f"generation {name} is read: cut over to another one first")
        if not known.is_written:
            return self
        changed = self._with(known, until=self.number + 1)
        before = None if name == self.before else self.before
        voided = self._with_void(known.replay) if known.replay else self.voided
        return msgspec.structs.replace(changed, before=before, voided=voided)

    def remove(self, name: str) -> "Generations":
        """Return the list without a retired one, whose name is free then."""
        left = tuple(each for each in self.listed if each.name != name or each.is_written)
        return self if len(left) == len(self.listed) else self._next(listed=left)

    @property
    def _voided(self) -> tuple[str, ...]:
        return () if self.voided is msgspec.UNSET else self.voided

    def _with_void(self, replay: str) -> tuple[str, ...]:
        others = (each for each in self._voided if each != replay)
        return (*others, replay)[-MAX_VOIDED:]

    def _written(self, name: str) -> Generation:
        known = self.get(name)
        if known is None or not known.is_written:
            raise GenerationRefused(f"there is no generation {name}")
        return known

    def _with(self, known: Generation, **fields: object) -> "Generations":
        changed = msgspec.structs.replace(known, **fields)
        return self._next(listed=tuple(changed if each is known else each for each in self.listed))

    def _next(self, **fields: object) -> "Generations":
        return msgspec.structs.replace(self, number=self.number + 1, **fields)


ORIGINAL: Final = Generations()
"""The list before any change."""
