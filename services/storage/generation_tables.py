"""Which tables are a generation's own, and what they are called."""

import re
from collections.abc import Collection
from typing import Final

from services.storage.statements import Statement

FIRST: Final = "first"
"""The generation of the tables that the migrations make, whose names have no suffix."""
GENERATIONAL: Final = ("home_timeline", "home_buckets")
"""What a home's skeleton is read from. Everything else is shared: posts, edges and links are cells
that merge, whoever writes them; author timelines and reposts are keys that readers judge one by
one, so that one too many shows nothing, and one that is missing is written in its place."""

_NAMED: Final = re.compile(rf"\b({'|'.join(GENERATIONAL)})\b")


def cql_of_generation(cql: str, generation: str) -> str:
    """The same on the tables of a generation."""
    return cql if generation == FIRST else _NAMED.sub(rf"\1_{generation}", cql)


def statement_of_generation(statement: Statement, generation: str) -> Statement:
    """The same on the tables of a generation; its metrics keep the names of the first's."""
    return statement._replace(cql=cql_of_generation(statement.cql, generation))


def cql_of_all_generations(cql: str, tables: Collection[str]) -> list[str]:
    """The same on the tables of each generation that has some among these, and of the first."""
    if not names_generational_table(cql):
        return [cql]
    homes, _ = GENERATIONAL
    others = [each.removeprefix(f"{homes}_") for each in tables if each.startswith(f"{homes}_")]
    return [cql_of_generation(cql, each) for each in (FIRST, *sorted(others))]


def names_generational_table(cql: str) -> bool:
    """Whether a statement is about a table that generations have of their own."""
    return _NAMED.search(cql) is not None
