"""CQL with the names that its metrics carry; every write states its version and never a null."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from schemas.ids import IdArray

KEYS_AT_ONCE = 1_000
"""In one `IN ?`: the coordinator works on all of them at the same time."""

INVERTED = 2**62
"""From where write timestamps of what the lowest version has count down: above every version of the
next 146,000 years."""


RowVersion = Callable[[], int]
"""The write timestamp of rows that have no cells: it decides nothing between them."""


def common_row_version() -> int:
    """That of all writers: nothing of ours removes such a row."""
    return 1


class Unset(Enum):
    """The type of UNSET."""

    UNSET = "unset"


UNSET = Unset.UNSET
"""Leaves a column of a written row as it is, where a null would be a tombstone."""

Key = TypeVar("Key", bound=int | bytes | str)
Value = int | str | bytes | bool | Sequence[Any] | NDArray[np.int64] | Unset
Column = NDArray[np.generic] | list[Any] | int | str | bytes
"""Values of many rows: an array, a list, or one value that all rows share."""


class Statement(NamedTuple):
    """One query of `{keyspace}`; `table` and `operation` are labels of its metrics."""

    table: str
    operation: str
    cql: str

    def row(self, **values: Value) -> "Row":
        """A row to write, its values by the names of the bind markers."""
        return Row(self, values)


class Row(NamedTuple):
    """What one bound INSERT writes."""

    statement: Statement
    values: Mapping[str, Value]


def key_chunks(keys: Iterable[Key], most: int = KEYS_AT_ONCE) -> Iterator[list[Key]]:
    """The keys, each once, in lists that one `IN ?` takes."""
    distinct = list(dict.fromkeys(keys))
    for start in range(0, len(distinct), most):
        yield distinct[start : start + most]


def id_columns(rows: Collection[Sequence[int]], width: int) -> IdArray:
    """Return the `width` columns of rows of ids; empty columns where there are no rows."""
    return np.array(list(rows), np.int64).reshape(len(rows), width).T


def select(table: str, operation: str, columns: str, rest: str) -> Statement:
    """A query. Whoever writes it bounds its result, for the driver pages nothing."""
    return Statement(table, operation, f"SELECT {columns} FROM {{keyspace}}.{table} {rest}")  # noqa: S608 names from code


def insert(table: str, *columns: str, ttl: bool = False, operation: str = "write") -> Statement:
    """An INSERT of whole rows, with the markers named as the columns, and `version`, and `ttl`.

    `version` is the write timestamp in microseconds: it comes from the event, never from a
    clock. `ttl` is in seconds, and 0 is for ever.
    """
    markers = ", ".join(f":{column}" for column in columns)
    using = "TTL :ttl AND TIMESTAMP :version" if ttl else "TIMESTAMP :version"
    cql = (
        f"INSERT INTO {{keyspace}}.{table} ({', '.join(columns)}) "  # noqa: S608 names from code
        f"VALUES ({markers}) USING {using}"
    )
    return Statement(table, operation, cql)


def update_present(table: str, *equal: str, one_of: Sequence[str] = ()) -> Statement:
    """An UPDATE that makes every row whose key has these columns, and is `one_of` these lists.

    Its markers are named as the columns, and `version` and `ttl`; those of lists take arrays. The
    table has a boolean `present`, for an UPDATE sets something.
    """
    where = [f"{column} = :{column}" for column in equal]
    where += [f"{column} IN :{column}" for column in one_of]
    cql = (
        f"UPDATE {{keyspace}}.{table} USING TTL :ttl AND TIMESTAMP :version SET present = true "  # noqa: S608 names from code
        f"WHERE {' AND '.join(where)}"
    )
    return Statement(table, "write", cql)


def delete(table: str, *key: str, operation: str = "remove") -> Statement:
    """A DELETE of whole rows by their keys, with the markers of an INSERT.

    Nothing may rest on it: its tombstone is purged, and an older write done again then lives.
    """
    where = " AND ".join(f"{column} = :{column}" for column in key)
    cql = f"DELETE FROM {{keyspace}}.{table} USING TIMESTAMP :version WHERE {where}"  # noqa: S608 names from code
    return Statement(table, operation, cql)
