"""The tables that each generation has of its own, and their names."""

import re
from collections.abc import Collection
from typing import Final

from services.storage.statements import Statement

FIRST: Final = "first"
"""The generation of the tables that migrations create, whose names have no suffix."""
GENERATIONAL: Final = ("home_timeline", "home_buckets")
"""The tables that a home's skeleton is read from. All others are shared: posts, edges and links are
cells that merge, whoever writes them; author timelines and reposts are keys that readers judge one
by one, so an extra key shows nothing, and a missing one is written in place."""

_NAMED: Final = re.compile(rf"\b({'|'.join(GENERATIONAL)})\b")
_NAMED_OF_ANY: Final = re.compile(rf"({'|'.join(GENERATIONAL)})_[a-z][a-z0-9]*")


def cql_of_generation(cql: str, generation: str) -> str:
    """Return the CQL for the tables of a generation."""
    return cql if generation == FIRST else _NAMED.sub(rf"\1_{generation}", cql)


def statement_of_generation(statement: Statement, generation: str) -> Statement:
    """Return the statement for the tables of a generation; its metric labels stay the same."""
    return statement._replace(cql=cql_of_generation(statement.cql, generation))


def cql_of_all_generations(cql: str, tables: Collection[str]) -> list[str]:
    """Return the CQL for the first generation and for each other that has tables among these."""
    if not names_generational_table(cql):
        return [cql]
    homes, _ = GENERATIONAL
    others = [each.removeprefix(f"{homes}_") for each in tables if each.startswith(f"{homes}_")]
    return [cql_of_generation(cql, each) for each in (FIRST, *sorted(others))]


def names_generational_table(cql: str) -> bool:
    """Whether a statement names a table that each generation has of its own."""
    return _NAMED.search(cql) is not None


def first_generation_table(table: str) -> str:
    """Return the name that a table has in the first generation."""
    named = _NAMED_OF_ANY.fullmatch(table)
    return table if named is None else named[1]
