"""One connection to Cassandra per process, and the few ways in which adapters use it."""

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from threading import Event
from typing import Any, NamedTuple, NoReturn

from numpy.typing import NDArray

from services.errors import StoreUnavailable
from services.metrics.metrics import Metrics
from services.settings.settings import Settings
from services.storage.cluster import (
    CONNECT_SECONDS,
    PROTOCOL_VERSION,
    create_cluster,
    run_in_thread,
)
from services.storage.connection import LoopConnection, create_connection_class
from services.storage.dispatcher import RequestDispatcher
from services.storage.limiter import InFlightLimiter
from services.storage.migration_log import MigrationLog
from services.storage.migrations import Migration
from services.storage.packed import (
    BatchLimits,
    BoundColumn,
    Layout,
    PackedRun,
    fill_batches,
    group_by_replicas,
    merge_by_partition,
)
from services.storage.statements import Column, Row, Statement
from services.storage.wire import PackedProtocolHandler, packed_batch

IN_FLIGHT_BYTES = 4 * 1024 * 1024
"""All requests in flight together: 64 batches, and what a socket's buffer takes at most."""
CLOSE_SECONDS = 0.5
"""For the driver's threads to end. With a node that does not answer they take many seconds, which
a process that is told to end has not got; they do not outlive it anyway."""


class _Prepared(NamedTuple):
    query: Any
    layout: Layout


class Store:
    """Reads and writes at LOCAL_QUORUM; every method raises StoreUnavailable for what may pass.

    What never can be (an unknown table, a value that does not fit) raises the driver's error
    or ValueError: a bug. Before `connect` has returned it is as one that is away. Belongs to the
    event loop that connected it.
    """

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        limits: BatchLimits | None = None,
        migrations: Sequence[Migration] = (),
    ) -> None:
        """The keyspace that the settings name, once these migrations are applied to it."""
        self._settings = settings
        self._metrics = metrics
        self._keyspace = settings.cassandra_keyspace
        self._limits = limits or BatchLimits()
        self._migrations = migrations
        self._session: Any = None
        self._connection: type[LoopConnection]
        self._bridge: RequestDispatcher
        self._prepared: dict[Statement, _Prepared] = {}
        self._preparing: dict[Statement, asyncio.Task[_Prepared]] = {}

    async def connect(self) -> None:
        """StoreUnavailable when the keyspace cannot be used now; it may be tried again.

        AccessRefused where a node lets nobody in like this.
        """
        settings = self._settings
        given_up = Event()
        self._connection = connection = create_connection_class()
        try:
            session = await run_in_thread(
                lambda: _session(settings, self._migrations, given_up, connection),
                seconds=CONNECT_SECONDS,
                what=f"Cassandra at {','.join(settings.cassandra_hosts)}:{settings.cassandra_port}"
                f", keyspace {self._keyspace}",
            )
        except BaseException:
            given_up.set()
            self._end_connections()
            raise
        gate = InFlightLimiter(settings.store_in_flight, IN_FLIGHT_BYTES)
        timeout = settings.store_timeout_seconds
        self._bridge = RequestDispatcher(session.execute_async, gate, self._metrics, timeout)
        self._session = session

    async def read(self, statement: Statement, *values: Any) -> list[tuple[Any, ...]]:
        """All rows of a query, in the store's order. The query itself bounds how many."""
        rows: list[tuple[Any, ...]] = (await self._ask(statement, values)).tuples()
        return rows

    async def read_arrays(self, statement: Statement, *values: Any) -> dict[str, NDArray[Any]]:
        """The same by column: whole numbers and booleans only, none of them null."""
        arrays: dict[str, NDArray[Any]] = (await self._ask(statement, values)).arrays()
        return arrays

    async def write(self, rows: Iterable[Row]) -> None:
        """Write rows of any tables, in no order. Returns when all are durable.

        Rows of one partition, up to the limits of a request, are seen together or not at all.
        They travel in unlogged batches, one table in each: after an error any partition's may
        have been written, or may be yet.
        """
        tables: dict[str, tuple[Statement, list[PackedRun]]] = {}
        for row in rows:
            prepared = await self._prepare(row.statement)
            _, runs = tables.setdefault(row.statement.table, (row.statement, []))
            runs.append(prepared.layout.row(row.values))
        pending: deque[asyncio.Future[Any]] = deque()
        try:
            while tables:  # emptied, so that rows which were brought together are held once
                _, (statement, runs) = tables.popitem()
                whole = merge_by_partition(runs, self._limits)
                del runs
                await self._send(statement, whole, pending)
            await _all_settled(pending)
        finally:
            _forget(pending)

    async def write_columns(self, statement: Statement, columns: Mapping[str, Column]) -> None:
        """Write many rows of one table, given by column. Returns when all are durable.

        They are brought together by partition and travel in unlogged batches: after an error
        any of the rows may have been written, or may be yet.
        """
        layout = (await self._prepare(statement)).layout
        pending: deque[asyncio.Future[Any]] = deque()
        try:
            await self._send(statement, layout.rows(columns, self._limits), pending)
            await _all_settled(pending)
        finally:
            _forget(pending)

    async def close(self) -> None:
        """End all connections, or leave that to the driver's threads; requests in flight fail."""
        if self._session is None:
            return
        with suppress(StoreUnavailable):
            shutdown = self._session.cluster.shutdown
            await run_in_thread(shutdown, seconds=CLOSE_SECONDS, what="closing the store")
        self._end_connections()

    def _end_connections(self) -> None:
        """Those that the driver has not closed yet."""
        for each in list(self._connection.open):
            each.close()

    async def _ask(self, statement: Statement, values: Sequence[Any]) -> Any:
        query = (await self._prepare(statement)).query
        return await (await self._bridge.send(statement, query.bind(values), 0))

    async def _send(
        self, statement: Statement, runs: Sequence[PackedRun], pending: deque[asyncio.Future[Any]]
    ) -> None:
        """Send all runs, as fast as there is room; stops at the first error it sees."""
        for group in self._groups(runs):
            for batch in fill_batches(group, self._limits):
                size = sum(len(run.body) for run in batch)
                query = packed_batch(batch, self._keyspace)
                pending.append(await self._bridge.send(statement, query, size))
                while pending and pending[0].done():
                    pending.popleft().result()

    def _groups(self, runs: Sequence[PackedRun]) -> Sequence[Sequence[PackedRun]]:
        metadata = self._session.cluster.metadata
        if len(metadata.all_hosts()) < 2:
            return [runs]

        def replicas(routing_key: bytes) -> frozenset[str]:
            hosts = metadata.get_replicas(self._keyspace, routing_key)
            return frozenset(str(host.endpoint) for host in hosts)

        return group_by_replicas(runs, replicas)

    async def _prepare(self, statement: Statement) -> _Prepared:
        prepared = self._prepared.get(statement)
        if prepared is not None:
            return prepared
        if self._session is None:
            raise StoreUnavailable("not connected yet")
        # Whoever asks meanwhile shares the answer: one after the other, a store that is away
        # would take its timeout from each in turn.
        preparing = self._preparing.get(statement)
        if preparing is None:
            preparing = asyncio.create_task(self._prepare_now(statement))
            self._preparing[statement] = preparing
            preparing.add_done_callback(partial(self._prepared_or_not, statement))
        return await asyncio.shield(preparing)

    async def _prepare_now(self, statement: Statement) -> _Prepared:
        query = await run_in_thread(
            lambda: self._session.prepare(statement.cql.format(keyspace=self._keyspace)),
            seconds=self._settings.store_timeout_seconds,
            what=f"preparing {statement.table} {statement.operation}",
        )
        query.is_idempotent = True
        return _Prepared(query, _layout(query))

    def _prepared_or_not(self, statement: Statement, done: asyncio.Task[_Prepared]) -> None:
        del self._preparing[statement]
        if not done.cancelled() and done.exception() is None:
            self._prepared[statement] = done.result()


async def connect(settings: Settings, metrics: Metrics, limits: BatchLimits | None = None) -> Store:
    """Connect to the keyspace, which exists; StoreUnavailable when that is not so now."""
    store = Store(settings, metrics, limits)
    await store.connect()
    return store


def _session(
    settings: Settings,
    migrations: Sequence[Migration],
    given_up: Event,
    connection: type[LoopConnection],
) -> Any:
    ours = create_cluster(settings, connection)
    try:
        session = ours.connect()
        if settings.cassandra_keyspace not in ours.metadata.keyspaces:
            _refuse("there is no such keyspace: run `mingle migrate`")
        # What is missing would make bugs of messages; what is newer is no harm.
        applied = MigrationLog(session, settings).applied() if migrations else {}
        lacking = [each.number for each in migrations if each.number not in applied]
        if lacking:
            _refuse(f"migrations {lacking} are not applied: run `mingle migrate`")
        if given_up.is_set():
            _refuse("connected when nobody waited any more")
    except BaseException:
        ours.shutdown()
        raise
    session.client_protocol_handler = PackedProtocolHandler
    session.use_client_timestamp = False  # versions come from events
    session.default_fetch_size = None  # queries bound themselves
    return session


def _refuse(why: str) -> NoReturn:
    raise ConnectionError(why)


def _layout(query: Any) -> Layout:
    columns = [
        BoundColumn(
            column.name,
            column.type.cql_parameterized_type(),
            partial(column.type.serialize, protocol_version=PROTOCOL_VERSION),
        )
        for column in query.column_metadata
    ]
    return Layout(query.query_id, columns, query.routing_key_indexes or ())


async def _all_settled(pending: deque[asyncio.Future[Any]]) -> None:
    while pending:
        await pending.popleft()


def _forget(pending: Iterable[asyncio.Future[Any]]) -> None:
    for future in pending:
        future.cancel()
