"""The keyspace's record of its migrations, and the lock under which they are applied."""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cassandra import InvalidRequest

from services.errors import StoreUnavailable
from services.settings.settings import Settings

LOCK_SECONDS = 120
"""How long a dead migrator blocks others; well over the time of its slowest statement."""
LOCK_WAIT_SECONDS = 240.0
"""How long to wait for another migrator before giving up; then it may be started again."""
LOCK_POLL_SECONDS = 0.5

_TABLES = {
    "schema_migrations": "ledger text, number int, name text, checksum text, "
    "PRIMARY KEY (ledger, number)",
    "schema_lock": "name text PRIMARY KEY, owner text",
}
_KEYSPACE = "SELECT keyspace_name FROM system_schema.keyspaces WHERE keyspace_name = %s"


class MigrationLog:
    """Blocks, so it is used in a thread. Every method may raise the driver's errors."""

    def __init__(self, session: Any, settings: Settings) -> None:
        """`session` has no keyspace of its own."""
        self._session = session
        self._settings = settings
        self._keyspace = settings.cassandra_keyspace
        self._owner = str(uuid.uuid4())

    def create(self) -> None:
        """Create the keyspace and this log's own tables, unless they exist.

        The tables' ids follow from their names: two migrators that create them at once, on nodes
        that have not agreed yet, create the same tables.
        """
        # Where somebody else made the keyspace, this user may have no right to make any.
        if not self._session.execute(_KEYSPACE, [self._keyspace]).one():
            self.define(
                f"CREATE KEYSPACE IF NOT EXISTS {self._keyspace} WITH replication = "
                f"{{'class': 'NetworkTopologyStrategy', '{self._settings.cassandra_datacenter}': "
                f"{self._settings.cassandra_replication}}}"
            )
        for table, columns in _TABLES.items():
            name = f"{self._keyspace}.{table}"
            fixed_id = uuid.uuid5(uuid.NAMESPACE_URL, name)
            self.define(f"CREATE TABLE IF NOT EXISTS {name} ({columns}) WITH id = {fixed_id}")
        self._session.set_keyspace(self._keyspace)

    def applied(self) -> dict[int, str]:
        """Return the checksums of applied migrations by number; none where there is no log yet."""
        try:
            rows = self._session.execute(
                f"SELECT number, checksum FROM {self._keyspace}.schema_migrations "  # noqa: S608 checked by Settings
                "WHERE ledger = 'schema'"
            )
        except InvalidRequest:  # no such keyspace or table, or another migrator is creating them
            return {}
        return dict(rows)

    def tables(self) -> list[str]:
        """Return the names of the keyspace's tables."""
        rows = self._session.execute(
            "SELECT table_name FROM system_schema.tables WHERE keyspace_name = %s",
            (self._keyspace,),
        )
        return [name for (name,) in rows]

    def record(self, number: int, name: str, checksum: str) -> None:
        """Record that a migration was applied."""
        self._session.execute(
            "INSERT INTO schema_migrations (ledger, number, name, checksum) "
            "VALUES ('schema', %s, %s, %s)",
            (number, name, checksum),
        )

    def define(self, statement: str) -> None:
        """Change the schema, and wait until all nodes agree on it."""
        future = self._session.execute_async(statement)
        future.result()
        if not future.is_schema_agreed:
            raise StoreUnavailable("the nodes do not agree on the schema yet: try again")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock against other migrators, as long as `renew` is called in time."""
        deadline = time.monotonic() + LOCK_WAIT_SECONDS
        while not self._acquire():
            if time.monotonic() > deadline:
                raise StoreUnavailable("another migrator holds the lock: try again")
            time.sleep(LOCK_POLL_SECONDS)
        try:
            yield
        finally:
            self._release()

    def renew(self) -> None:
        """Hold the lock for LOCK_SECONDS from now. Raises StoreUnavailable when it was lost."""
        renewed = self._apply_if(
            "UPDATE schema_lock USING TTL %s SET owner = %s WHERE name = 'schema' IF owner = %s",
            (LOCK_SECONDS, self._owner, self._owner),
        )
        if not renewed:
            raise StoreUnavailable("the migrator's lock ran out: try again")

    def _acquire(self) -> bool:
        return self._apply_if(
            "INSERT INTO schema_lock (name, owner) VALUES ('schema', %s) "
            "IF NOT EXISTS USING TTL %s",
            (self._owner, LOCK_SECONDS),
        )

    def _release(self) -> None:
        self._apply_if(
            "DELETE FROM schema_lock WHERE name = 'schema' IF owner = %s", (self._owner,)
        )

    def _apply_if(self, statement: str, values: tuple[Any, ...]) -> bool:
        return bool(self._session.execute(statement, values).one()[0])
