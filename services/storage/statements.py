"""CQL with its metric labels; every write has a version, and none writes a null."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from schemas.ids import IdArray

KEYS_AT_ONCE = 1_000
"""Keys in one `IN ?`: the coordinator works on all of them at once."""

INVERTED = 2**62
"""Where write timestamps start that count down, so that the lowest version wins: above every
version of the next 146,000 years."""

ERASED = INVERTED + 1
"""The write timestamp of the removal of an erased account's rows: above all that they were written
with, save what a deletion of a post writes."""

RowVersion = Callable[[], int]
"""The write timestamp of rows that have no cells: it decides nothing between them."""


def common_row_version() -> int:
    """Return the timestamp that all writers share, as nothing of ours deletes such a row."""
    return 1


class Unset(Enum):
    """The type of UNSET."""

    UNSET = "unset"


UNSET = Unset.UNSET
"""Keeps what the store has in a column, where a null would write a tombstone."""

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
        """Return a row to write, with its values by the names of the bind markers."""
        return Row(self, values)


class Row(NamedTuple):
    """The values of one INSERT."""

    statement: Statement
    values: Mapping[str, Value]


def key_chunks(keys: Iterable[Key], most: int = KEYS_AT_ONCE) -> Iterator[list[Key]]:
    """Yield the distinct keys in lists that fit one `IN ?`."""
    distinct = list(dict.fromkeys(keys))
    for start in range(0, len(distinct), most):
        yield distinct[start : start + most]


def id_columns(rows: Collection[Sequence[int]], width: int) -> IdArray:
    """Return the `width` columns of rows of ids; empty columns where there are no rows."""
    return np.array(list(rows), np.int64).reshape(len(rows), width).T


def select(table: str, operation: str, columns: str, rest: str) -> Statement:
    """Return a query, which must bound its own result: the driver does not page."""
    return Statement(table, operation, f"SELECT {columns} FROM {{keyspace}}.{table} {rest}")  # noqa: S608 names from code


def insert(table: str, *columns: str, ttl: bool = False, operation: str = "write") -> Statement:
    """Return an INSERT of whole rows; its markers are the columns, `version` and `ttl`.

    `version` is the write timestamp in microseconds: it comes from the event, never from a
    clock. `ttl` is in seconds; 0 means for ever.
    """
    markers = ", ".join(f":{column}" for column in columns)
    using = "TTL :ttl AND TIMESTAMP :version" if ttl else "TIMESTAMP :version"
    cql = (
        f"INSERT INTO {{keyspace}}.{table} ({', '.join(columns)}) "  # noqa: S608 names from code
        f"VALUES ({markers}) USING {using}"
    )
    return Statement(table, operation, cql)


def update_present(table: str, *equal: str, one_of: Sequence[str] = ()) -> Statement:
    """Return an UPDATE that creates a row for each key with values from the `one_of` lists.

    Its markers are the columns, `version` and `ttl`; those of lists take arrays. The table has a
    boolean `present`, as an UPDATE must set something.
    """
    where = [f"{column} = :{column}" for column in equal]
    where += [f"{column} IN :{column}" for column in one_of]
    cql = (
        f"UPDATE {{keyspace}}.{table} USING TTL :ttl AND TIMESTAMP :version SET present = true "  # noqa: S608 names from code
        f"WHERE {' AND '.join(where)}"
    )
    return Statement(table, "write", cql)


def delete(
    table: str, *key: str, cells: Sequence[str] = (), operation: str = "remove"
) -> Statement:
    """Return a DELETE of whole rows by their keys, or of all rows that share the first of them.

    With `cells` only these are removed. Its markers are those of an INSERT. Nothing may rely on
    it: once its tombstone is purged, repeating an older write restores the row.
    """
    where = " AND ".join(f"{column} = :{column}" for column in key)
    what = f"DELETE {', '.join(cells)} FROM" if cells else "DELETE FROM"
    cql = f"{what} {{keyspace}}.{table} USING TIMESTAMP :version WHERE {where}"
    return Statement(table, operation, cql)
