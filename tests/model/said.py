"""What all that was said of one thing adds up to, whatever the order in which it was said."""

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, TypeAlias

from tests.model.text import normal

Json: TypeAlias = dict[str, Any]
Viewer: TypeAlias = int | None

EPOCH_MS = 946_684_800_000  # 2000-01-01
DAY_MS = 86_400_000


def holds(said: Sequence[Json]) -> bool:
    """Whether the last word is not the end of it: at equal versions a removal wins."""
    last = max((m["version"], m["type"]) for m in said)[1]  # the alphabet sorts each pair so
    return last.endswith((".created", ".added", ".reinstated"))


def stated(said: Sequence[Json]) -> list[Json]:
    """What was said of something that was there."""
    return [m for m in said if m["type"].endswith((".created", ".added", ".marked", ".changed"))]


def latest(field: str, said: Sequence[Json], default: Any = None) -> str:
    """The canonical JSON of the highest version, of equal ones the larger (as UTF-8 and as str)."""
    values = []
    for message in said:
        value = default if message.get(field) is None else message[field]
        if isinstance(value, list | tuple):
            value = tuple(sorted({str(each) for each in value}))
        values.append((message["version"], canonical(value)))
    return max(values)[1]


@lru_cache(10_000, typed=True)  # 1 is not true
def canonical(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def options(said: Sequence[Json], defaults: Json) -> Json:
    """Field by field, what was last stated."""
    of = stated(said)
    return {name: json.loads(latest(name, of, default)) for name, default in defaults.items()}


def plain(tag: str) -> str:
    """Rule 17: case and a `#` before it do not matter."""
    return normal(tag).removeprefix("#")
