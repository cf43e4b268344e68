"""Flags of pulled authors in Cassandra, all in one partition."""

from collections.abc import Collection

from schemas.ids import UserId
from services.buckets import Buckets
from services.clock import Clock
from services.pulled.store import Flag
from services.retention import Retention
from services.storage.session import Store
from services.storage.statements import (
    Column,
    RowVersion,
    common_row_version,
    id_columns,
    insert,
    select,
)

PART = 0

_FLAG = insert("pulled_authors", "part", "bucket", "author_id", ttl=True, operation="flag")
_FLAGGED = select("pulled_authors", "read", "bucket, author_id", "WHERE part = ? AND bucket >= ?")


class CassandraPulled:
    """A PulledStore in Cassandra. `version` returns the write timestamp of rows."""

    def __init__(
        self,
        store: Store,
        retention: Retention,
        clock: Clock,
        version: RowVersion = common_row_version,
    ) -> None:
        self._store = store
        self._buckets = Buckets(retention, clock)
        self._version = version

    async def flag(self, flags: Collection[Flag]) -> None:
        buckets, authors = id_columns(flags, 2)
        ttls = self._buckets.ttls(buckets)
        kept = ttls >= 0
        if kept.any():
            columns: dict[str, Column] = {
                "part": PART,
                "bucket": buckets[kept],
                "author_id": authors[kept],
                "ttl": ttls[kept],
                "version": self._version(),
            }
            await self._store.write_columns(_FLAG, columns)

    async def flagged(self, first: int) -> set[Flag]:
        rows = await self._store.read(_FLAGGED, PART, first)
        return {Flag(bucket, UserId(author)) for bucket, author in rows}
