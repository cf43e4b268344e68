"""Generations of home timelines: which there are, which is read, and what may become of them. Pure.

A generation is a suffix of the tables that homes are made of. Workers write all that are listed,
readers read one. Each change has a number, so that a worker can say which list it goes by.
"""

from typing import Final, NamedTuple

import msgspec

from services.errors import MingleError
from services.storage.generation_tables import FIRST

NAME_PATTERN: Final = r"[a-z][a-z0-9]{0,15}"
"""Of a generation: it is part of a table's name."""
MAX_LISTED: Final = 3
"""Listed at a time: each costs every delivery once more. The one that is read, the one before it,
one that is being filled."""


class GenerationKey(NamedTuple):
    """A generation and when it was listed: a name may be used again."""

    name: str
    since: int


class GenerationRefused(MingleError):
    """A change that would show less than there is; its text is for whoever asked for it."""


class Generation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Written from list `since` on, and from list `until` on no more, where it retires.

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
    """The list. `before` is what a rollback goes back to, where there is anything."""

    number: int = 0
    live: str = FIRST
    before: str | None = None
    listed: tuple[Generation, ...] = (Generation(FIRST, whole=True),)

    @property
    def written(self) -> tuple[Generation, ...]:
        """Those that every delivery goes to."""
        return tuple(each for each in self.listed if each.is_written)

    @property
    def read(self) -> Generation:
        """The one that readers look in."""
        return next(each for each in self.listed if each.name == self.live)

    def get(self, name: str) -> Generation | None:
        return next((each for each in self.listed if each.name == name), None)

    def writes(self, key: GenerationKey) -> bool:
        """Whether it is listed, since then, and written."""
        return any(each.key == key for each in self.written)

    def add(self, name: str, replay: str) -> "Generations":
        """With one more, to be filled by a replay. Raises GenerationRefused."""
        known = self.get(name)
        if known is not None and known.is_written and known.replay == replay:
            return self
        if known is not None:
            raise GenerationRefused(f"generation {name} is there already: retire it first")
        if len(self.listed) >= MAX_LISTED:
            names = ", ".join(each.name for each in self.listed)
            raise GenerationRefused(f"there are {len(self.listed)} already ({names}): retire one")
        fresh = Generation(name, self.number + 1, replay=replay)
        return self._next(listed=(*self.listed, fresh))

    def mark_filled(self, name: str, replay: str) -> "Generations":
        """Its replay is over: it holds all that is owed. Raises GenerationRefused."""
        known = self._written(name)
        if known.replay != replay:
            raise GenerationRefused(f"generation {name} is not filled by replay {replay}")
        return self if known.whole else self._with(known, whole=True)

    def cutover(self, name: str) -> "Generations":
        """With this one read from now on. Raises GenerationRefused before it is whole."""
        if not self._written(name).whole:
            raise GenerationRefused(
                f"generation {name} is not whole: its replay is not over (mingle replay status)"
            )
        return self if name == self.live else self._next(live=name, before=self.live)

    def rollback(self) -> "Generations":
        """The one that was read before is read again. Raises GenerationRefused."""
        if self.before is None:
            raise GenerationRefused("there is no generation to go back to")
        return self._next(live=self.before, before=None)

    def retire(self, name: str) -> "Generations":
        """With this one written no more. Raises GenerationRefused for the one that is read."""
        known = self.get(name)
        if known is None:
            raise GenerationRefused(f"there is no generation {name}")
        if name == self.live:
            raise GenerationRefused(f"generation {name} is read: cut over to another one first")
        if not known.is_written:
            return self
        changed = self._with(known, until=self.number + 1)
        return msgspec.structs.replace(changed, before=None if name == self.before else self.before)

    def remove(self, name: str) -> "Generations":
        """Without one that retired; its name is free."""
        left = tuple(each for each in self.listed if each.name != name or each.is_written)
        return self if len(left) == len(self.listed) else self._next(listed=left)

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
"""What there is before anybody has listed another one."""
