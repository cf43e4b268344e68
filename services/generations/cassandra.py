"""Generations in Cassandra: one row, changed by comparing and setting; tables like the first's."""

from collections.abc import Collection, Mapping, Sequence

import msgspec

from services.generations.generations import ORIGINAL, Generations
from services.generations.store import Acknowledgement
from services.settings.settings import Settings
from services.storage.generation_tables import (
    FIRST,
    GENERATIONAL,
    cql_of_generation,
    names_generational_table,
)
from services.storage.migrations import Migration, define_tables
from services.storage.session import Store
from services.storage.statements import Statement, insert, select

_HOMES = "homes"
"""What there are generations of: the one row, and the partition of acknowledgements."""

_LOAD = select("generations", "load", "state", "WHERE what = ?")
_BEGIN = Statement(
    "generations",
    "change",
    "INSERT INTO {keyspace}.generations (what, number, state) VALUES (?, ?, ?) IF NOT EXISTS",
)
_CHANGE = Statement(
    "generations",
    "change",
    "UPDATE {keyspace}.generations SET number = ?, state = ? WHERE what = ? IF number = ?",
)
_ACKNOWLEDGE = insert("generation_workers", "what", "worker", "number", "at")
_ACKNOWLEDGED = select("generation_workers", "read", "worker, number, at", "WHERE what = ?")


class CassandraGenerations:
    """A GenerationStore in Cassandra, which creates tables by the migrations' statements."""

    def __init__(self, store: Store, settings: Settings, migrations: Sequence[Migration]) -> None:
        self._store = store
        self._settings = settings
        self._create_statements = [
            statement
            for migration in migrations
            for statement in migration.statements
            if names_generational_table(statement)
        ]

    async def load(self) -> Generations:
        for (text,) in await self._store.read(_LOAD, _HOMES):
            return msgspec.json.decode(text, type=Generations)
        return ORIGINAL

    async def change(self, known: Generations, wanted: Generations) -> bool:
        text = msgspec.json.encode(wanted).decode()
        if known == ORIGINAL:
            asked = self._store.read(_BEGIN, _HOMES, wanted.number, text)
        else:
            asked = self._store.read(_CHANGE, wanted.number, text, _HOMES, known.number)
        ((applied, *_),) = await asked
        # A request that was sent twice finds its own change.
        return applied or await self.load() == wanted

    async def create(self, name: str) -> None:
        await define_tables(
            self._settings, [cql_of_generation(each, name) for each in self._create_statements]
        )

    async def drop(self, name: str) -> None:
        does = "TRUNCATE TABLE" if name == FIRST else "DROP TABLE IF EXISTS"
        dropping = [cql_of_generation(f"{does} {each}", name) for each in GENERATIONAL]
        await define_tables(self._settings, dropping)

    async def acknowledge(self, workers: Collection[str], acknowledgement: Acknowledgement) -> None:
        number, at = acknowledgement
        await self._store.write(
            [
                _ACKNOWLEDGE.row(what=_HOMES, worker=each, number=number, at=at, version=number)
                for each in workers
            ]
        )

    async def acknowledgements(self) -> Mapping[str, Acknowledgement]:
        rows = await self._store.read(_ACKNOWLEDGED, _HOMES)
        return {worker: Acknowledgement(number, at) for worker, number, at in rows}
