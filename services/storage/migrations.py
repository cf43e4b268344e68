"""Migrations of the schema: numbered CQL files, each applied once and never changed afterwards.

A file is `NNNN_name.cql`. Its first line is a comment that says which query the change serves;
its statements end with `;` at the end of a line, name no keyspace, and can be applied again
(`IF NOT EXISTS`), as a migrator may die between a statement and its record. A change of a table
that each generation has of its own is applied to all of them.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from operator import attrgetter
from typing import NamedTuple

import schemas
from services.errors import MingleError
from services.settings.settings import Settings
from services.storage.cluster import create_cluster, run_in_thread
from services.storage.generation_tables import cql_of_all_generations
from services.storage.migration_log import MigrationLog

MIGRATE_SECONDS = 600.0
"""For a whole migration, including the wait for another migrator."""

_FILE = re.compile(r"(\d{4})_([a-z0-9_]+)\.cql")


class MigrationRefused(MingleError):
    """The files and the keyspace do not match; nothing was changed."""


class Migration(NamedTuple):
    """One file."""

    number: int
    name: str
    purpose: str
    checksum: str
    statements: tuple[str, ...]


def available_migrations() -> list[Migration]:
    """Return the migrations of this version of the program, in order."""
    return load_migrations(resources.files(schemas) / "migrations")


def load_migrations(directory: Traversable) -> list[Migration]:
    """Return the migrations of a directory. Raises MigrationRefused for a bad file or a gap."""
    files = sorted(
        (file for file in directory.iterdir() if file.name.endswith(".cql")), key=attrgetter("name")
    )
    migrations = [parse_migration(file.name, file.read_text(encoding="utf-8")) for file in files]
    numbers = [migration.number for migration in migrations]
    if numbers != list(range(1, len(numbers) + 1)):
        raise MigrationRefused(f"migrations are not numbered from 1 without gaps: {numbers}")
    return migrations


def parse_migration(name: str, text: str) -> Migration:
    """Parse one file. Raises MigrationRefused."""
    found = _FILE.fullmatch(name)
    if found is None:
        raise MigrationRefused(f"{name}: not NNNN_name.cql")
    first, _, _ = text.partition("\n")
    if not first.startswith("-- "):
        raise MigrationRefused(f"{name}: the first line does not say which query it serves")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("--")]
    *statements, rest = re.split(r";[ \t]*$", "\n".join(lines), flags=re.MULTILINE)
    if rest.strip() or not statements:
        raise MigrationRefused(f"{name}: a statement does not end with ;")
    checksum = hashlib.sha256(text.encode()).hexdigest()
    stripped = tuple(statement.strip() for statement in statements)
    return Migration(int(found[1]), found[2], first.removeprefix("-- "), checksum, stripped)


def pending_migrations(
    migrations: Sequence[Migration], applied: Mapping[int, str]
) -> list[Migration]:
    """Return what is yet to be applied. Raises MigrationRefused where the keyspace has others."""
    known = {migration.number: migration for migration in migrations}
    newer = sorted(applied.keys() - known.keys())
    if newer:
        raise MigrationRefused(f"the keyspace has migrations that this program lacks: {newer}")
    changed = [n for n, checksum in sorted(applied.items()) if known[n].checksum != checksum]
    if changed:
        raise MigrationRefused(f"migrations were changed after they were applied: {changed}")
    return [migration for migration in migrations if migration.number not in applied]


async def migrate(
    settings: Settings, migrations: Sequence[Migration], *, dry_run: bool = False
) -> list[Migration]:
    """Apply the missing migrations and return them; a dry run only returns them.

    Safe to run twice and by several at once. Raises MigrationRefused, and StoreUnavailable when
    Cassandra does not answer or another migrator takes too long.
    """
    return await run_in_thread(
        lambda: _migrate(settings, migrations, dry_run=dry_run),
        seconds=MIGRATE_SECONDS,
        what=f"migrating {settings.cassandra_keyspace}",
    )


async def define_tables(settings: Settings, statements: Sequence[str]) -> None:
    """Change the schema under the migrations' lock.

    The statements name no keyspace and can be applied again. Raises StoreUnavailable.
    """
    await run_in_thread(
        lambda: _define(settings, statements),
        seconds=MIGRATE_SECONDS,
        what=f"changing tables of {settings.cassandra_keyspace}",
    )


def _define(settings: Settings, statements: Sequence[str]) -> None:
    cluster = create_cluster(settings)
    try:
        session = cluster.connect(settings.cassandra_keyspace)
        migration_log = MigrationLog(session, settings)
        with migration_log.locked():
            for statement in statements:
                migration_log.renew()
                migration_log.define(statement)
    finally:
        cluster.shutdown()


def _migrate(
    settings: Settings, migrations: Sequence[Migration], *, dry_run: bool
) -> list[Migration]:
    cluster = create_cluster(settings)
    try:
        migration_log = MigrationLog(cluster.connect(), settings)
        missing = pending_migrations(migrations, migration_log.applied())
        if dry_run or not missing:
            return missing
        migration_log.create()
        with migration_log.locked():
            return _apply(migration_log, migrations)
    finally:
        cluster.shutdown()


def _apply(migration_log: MigrationLog, migrations: Sequence[Migration]) -> list[Migration]:
    missing = pending_migrations(
        migrations, migration_log.applied()
    )  # another migrator may have been first
    for migration in missing:
        for statement in migration.statements:
            for each in cql_of_all_generations(statement, migration_log.tables()):
                migration_log.renew()
                migration_log.define(each)
        migration_log.record(migration.number, migration.name, migration.checksum)
    return missing
