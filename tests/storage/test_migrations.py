"""Migrations: how the files are read, what is refused, what is applied."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.errors import StoreUnavailable
from services.metrics.metrics import Metrics
from services.settings.settings import Settings
from services.storage import migration_log as ledger
from services.storage.cluster import create_cluster
from services.storage.generation_tables import cql_of_generation
from services.storage.migration_log import MigrationLog
from services.storage.migrations import (
    MigrationRefused,
    available_migrations,
    define_tables,
    load_migrations,
    migrate,
    parse_migration,
    pending_migrations,
)
from services.storage.session import Store
from services.storage.statements import select

FIRST = """-- the letters of a reader, newest first
-- bounded by what one reader gets
CREATE TABLE IF NOT EXISTS letters (
    reader bigint, -- who
    letter bigint,
    PRIMARY KEY (reader, letter)
) WITH gc_grace_seconds = 0;

CREATE TABLE IF NOT EXISTS readers (reader bigint PRIMARY KEY);
"""
SECOND = "-- letters by colour\nALTER TABLE letters ADD IF NOT EXISTS colour text;\n"


def test_a_file_is_its_query_and_its_statements() -> None:
    migration = parse_migration("0001_letters.cql", FIRST)
    assert (migration.number, migration.name) == (1, "letters")
    assert migration.purpose == "the letters of a reader, newest first"
    assert [statement.split(" (")[0] for statement in migration.statements] == [
        "CREATE TABLE IF NOT EXISTS letters",
        "CREATE TABLE IF NOT EXISTS readers",
    ]


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("1_letters.cql", FIRST, "NNNN_name"),
        ("0001_letters.cql", FIRST.partition("\n")[2][5:], "which query"),
        ("0001_letters.cql", FIRST.rstrip().removesuffix(";"), "does not end"),
        ("0001_letters.cql", "-- nothing\n", "does not end"),
    ],
)
def test_a_file_that_is_no_migration_is_refused(name: str, text: str, why: str) -> None:
    with pytest.raises(MigrationRefused, match=why):
        parse_migration(name, text)


def test_a_gap_in_the_numbers_is_refused(tmp_path: Path) -> None:
    (tmp_path / "0001_letters.cql").write_text(FIRST)
    (tmp_path / "0003_colour.cql").write_text(SECOND)
    with pytest.raises(MigrationRefused, match="gaps"):
        load_migrations(tmp_path)


def test_only_what_is_not_applied_is_pending() -> None:
    both = [parse_migration("0001_letters.cql", FIRST), parse_migration("0002_colour.cql", SECOND)]
    assert pending_migrations(both, {}) == both
    assert pending_migrations(both, {1: both[0].checksum}) == both[1:]


def test_a_store_that_is_ahead_is_refused() -> None:
    first = parse_migration("0001_letters.cql", FIRST)
    with pytest.raises(MigrationRefused, match=r"lacks: \[2\]"):
        pending_migrations([first], {1: first.checksum, 2: "?"})


def test_a_file_that_was_changed_is_refused() -> None:
    first = parse_migration("0001_letters.cql", FIRST)
    with pytest.raises(MigrationRefused, match=r"changed.*\[1\]"):
        pending_migrations([first], {1: "?"})


def test_our_own_statements_can_be_applied_again() -> None:
    """A migrator may die before it has recorded what it did."""
    statements = [each for migration in available_migrations() for each in migration.statements]
    assert [each for each in statements if "IF NOT EXISTS" not in each] == []


@pytest.fixture
def fresh(settings: Settings) -> Iterator[Settings]:
    """A keyspace that is not there yet."""
    yield (absent := settings.model_copy(update={"cassandra_keyspace": "migration_tests"}))
    direct = create_cluster(absent)
    direct.connect().execute("DROP KEYSPACE IF EXISTS migration_tests", timeout=60)
    direct.shutdown()


Query = Callable[[str], list[tuple[object, ...]]]


@pytest.fixture
def query(fresh: Settings) -> Iterator[Query]:
    direct = create_cluster(fresh)
    session = direct.connect()
    yield lambda cql: list(session.execute(cql, timeout=60))
    direct.shutdown()


FILES = [parse_migration("0001_letters.cql", FIRST), parse_migration("0002_colour.cql", SECOND)]
TABLES = "SELECT table_name FROM system_schema.tables WHERE keyspace_name = 'migration_tests'"


async def test_a_dry_run_says_what_it_would_do_and_does_nothing(
    fresh: Settings, query: Query
) -> None:
    assert await migrate(fresh, FILES, dry_run=True) == FILES
    assert query(TABLES) == []


async def test_each_migration_is_applied_once(fresh: Settings, query: Query) -> None:
    assert await migrate(fresh, FILES[:1]) == FILES[:1]
    assert await migrate(fresh, FILES) == FILES[1:]
    assert await migrate(fresh, FILES) == []
    assert query("SELECT reader, letter, colour FROM migration_tests.letters") == []
    options = f"{TABLES.replace('table_name', 'gc_grace_seconds')} AND table_name = 'letters'"
    assert query(options) == [(0,)]


async def test_what_homes_are_kept_in_changes_in_every_generation(
    fresh: Settings, query: Query
) -> None:
    """Also in one that was made before: workers write the new column there too."""
    ours = available_migrations()
    changes = [each for each in ours if each.name == "home_timeline_present"]
    before = ours[: changes[0].number - 1]
    await migrate(fresh, before)
    await define_tables(fresh, [cql_of_generation(each, "b") for each in before[2].statements])
    await migrate(fresh, ours)
    columns = TABLES.replace("table_name", "table_name, type").replace(".tables", ".columns")
    kinds = {
        name: kind
        for table in ("home_timeline", "home_timeline_b")
        for name, kind in query(f"{columns} AND table_name = '{table}' AND column_name = 'present'")
    }
    assert kinds == {"home_timeline": "boolean", "home_timeline_b": "boolean"}


async def test_migrators_at_the_same_time_apply_each_once_between_them(fresh: Settings) -> None:
    did = await asyncio.gather(*(migrate(fresh, FILES) for _ in range(3)))
    assert sorted(each.number for applied in did for each in applied) == [1, 2]


async def test_a_migrator_that_died_midway_is_carried_on(fresh: Settings, query: Query) -> None:
    """The table is there, the record of it is not."""
    await migrate(fresh, FILES[:1])
    query("DELETE FROM migration_tests.schema_migrations WHERE ledger = 'schema'")
    assert await migrate(fresh, FILES) == FILES


async def test_a_store_waits_for_its_migrations(fresh: Settings, metrics: Metrics) -> None:
    """A keyspace that is half made is not used; one that is newer is. Until then it is away."""
    store = Store(fresh, metrics, migrations=FILES)
    letters = select("letters", "test", "letter", "WHERE reader = ?")
    with pytest.raises(StoreUnavailable, match="no such keyspace: run `mingle migrate`"):
        await store.connect()
    await migrate(fresh, FILES[:1])
    with pytest.raises(StoreUnavailable, match=r"migrations \[2\] are not applied: run `mingle"):
        await store.connect()
    with pytest.raises(StoreUnavailable, match="not connected yet"):
        await store.read(letters, 1)
    await migrate(fresh, FILES)
    await store.connect()
    assert await store.read(letters, 1) == []
    await store.close()

    older = Store(fresh, metrics, migrations=FILES[:1])
    await older.connect()
    await older.close()


async def test_a_lock_that_is_held_is_waited_for_and_given_up(
    fresh: Settings, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "LOCK_WAIT_SECONDS", 0.0)
    await migrate(fresh, FILES[:1])
    query(
        "INSERT INTO migration_tests.schema_lock (name, owner) "
        "VALUES ('schema', 'another') IF NOT EXISTS"
    )
    with pytest.raises(StoreUnavailable, match="another migrator"):
        await migrate(fresh, FILES)


async def test_a_lock_that_ran_out_stops_the_migrator(
    fresh: Settings, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another may have begun: two at once would apply the same statements side by side."""
    await migrate(fresh, FILES[:1])
    take = MigrationLog._acquire

    def take_and_lose(self: MigrationLog) -> bool:
        taken = take(self)
        query("DELETE FROM migration_tests.schema_lock WHERE name = 'schema' IF EXISTS")
        return taken

    monkeypatch.setattr(MigrationLog, "_acquire", take_and_lose)
    with pytest.raises(StoreUnavailable, match="ran out"):
        await migrate(fresh, FILES)
