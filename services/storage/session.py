"""The process's connection to Cassandra: what adapters read and write through."""

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
"""Bytes of all requests in flight: 64 batches, and at most what a socket's buffer takes."""
CLOSE_SECONDS = 0.5
"""For the driver's threads to end. With a node that does not answer they take many seconds, too
long for a process that must stop; they end with it anyway."""


class _Prepared(NamedTuple):
    query: Any
    layout: Layout


class Store:
    """Reads and writes at LOCAL_QUORUM. Every method raises StoreUnavailable for what may pass.

    Bugs (an unknown table, a value that does not fit) raise the driver's error or ValueError.
    Before `connect` has returned the store is unavailable. It belongs to the event loop that
    connected it.
    """

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        limits: BatchLimits | None = None,
        migrations: Sequence[Migration] = (),
    ) -> None:
        """Use the settings' keyspace, to which these migrations must have been applied."""
        self._settings = settings
        self._metrics = metrics
        self._keyspace = settings.cassandra_keyspace
        self._limits = limits or BatchLimits()
        self._migrations = migrations
        self._session: Any = None
        self._connections: type[LoopConnection]
        self._dispatcher: RequestDispatcher
        self._prepared: dict[Statement, _Prepared] = {}
        self._preparing: dict[Statement, asyncio.Task[_Prepared]] = {}

    async def connect(self) -> None:
        """Connect to the keyspace. May be tried again after StoreUnavailable.

        Raises AccessRefused where a node does not accept this process.
        """
        settings = self._settings
        abandoned = Event()
        self._connections = connections = create_connection_class()
        try:
            session = await run_in_thread(
                lambda: _open_session(settings, self._migrations, abandoned, connections),
                seconds=CONNECT_SECONDS,
                what=f"Cassandra at {','.join(settings.cassandra_hosts)}:{settings.cassandra_port}"
                f", keyspace {self._keyspace}",
            )
        except BaseException:
            abandoned.set()
            self._close_connections()
            raise
        limiter = InFlightLimiter(settings.store_in_flight, IN_FLIGHT_BYTES)
        timeout = settings.store_timeout_seconds
        self._dispatcher = RequestDispatcher(session.execute_async, limiter, self._metrics, timeout)
        self._session = session

    async def read(self, statement: Statement, *values: Any) -> list[tuple[Any, ...]]:
        """Return all rows of a query in the store's order. The query itself bounds them."""
        rows: list[tuple[Any, ...]] = (await self._execute(statement, values)).tuples()
        return rows

    async def read_arrays(self, statement: Statement, *values: Any) -> dict[str, NDArray[Any]]:
        """Return all rows by column: whole numbers and booleans only, none of them null."""
        arrays: dict[str, NDArray[Any]] = (await self._execute(statement, values)).arrays()
        return arrays

    async def write(self, rows: Iterable[Row]) -> None:
        """Write rows of any tables, in any order; they are durable on return.

        Rows of one partition, up to the limits of a request, appear together or not at all. They
        travel in unlogged batches, one table in each: after an error any partition's rows may have
        been written, or may be yet.
        """
        tables: dict[str, tuple[Statement, list[PackedRun]]] = {}
        for row in rows:
            prepared = await self._prepare(row.statement)
            _, runs = tables.setdefault(row.statement.table, (row.statement, []))
            runs.append(prepared.layout.row(row.values))
        pending: deque[asyncio.Future[Any]] = deque()
        try:
            while tables:  # emptied on the way, so that merged rows are held once
                _, (statement, runs) = tables.popitem()
                whole = merge_by_partition(runs, self._limits)
                del runs
                await self._send(statement, whole, pending)
            await _wait_for_all(pending)
        finally:
            _cancel_all(pending)

    async def write_columns(self, statement: Statement, columns: Mapping[str, Column]) -> None:
        """Write many rows of one table, given by column; they are durable on return.

        They are grouped by partition and travel in unlogged batches: after an error any of the rows
        may have been written, or may be yet.
        """
        layout = (await self._prepare(statement)).layout
        pending: deque[asyncio.Future[Any]] = deque()
        try:
            await self._send(statement, layout.rows(columns, self._limits), pending)
            await _wait_for_all(pending)
        finally:
            _cancel_all(pending)

    async def close(self) -> None:
        """Close all connections, in the background if that takes long; requests in flight fail."""
        if self._session is None:
            return
        with suppress(StoreUnavailable):
            shutdown = self._session.cluster.shutdown
            await run_in_thread(shutdown, seconds=CLOSE_SECONDS, what="closing the store")
        self._close_connections()

    def _close_connections(self) -> None:
        """Close those that the driver has not closed yet."""
        for each in list(self._connections.open):
            each.close()

    async def _execute(self, statement: Statement, values: Sequence[Any]) -> Any:
        query = (await self._prepare(statement)).query
        return await (await self._dispatcher.send(statement, query.bind(values), 0))

    async def _send(
        self, statement: Statement, runs: Sequence[PackedRun], pending: deque[asyncio.Future[Any]]
    ) -> None:
        """Send all runs as fast as there is room; stop at the first error."""
        for group in self._groups(runs):
            for batch in fill_batches(group, self._limits):
                size = sum(len(run.body) for run in batch)
                query = packed_batch(batch, self._keyspace)
                pending.append(await self._dispatcher.send(statement, query, size))
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
        # Concurrent callers share one request: in turn, each would wait for the timeout of a store
        # that does not answer.
        preparing = self._preparing.get(statement)
        if preparing is None:
            preparing = asyncio.create_task(self._prepare_now(statement))
            self._preparing[statement] = preparing
            preparing.add_done_callback(partial(self._keep_prepared, statement))
        return await asyncio.shield(preparing)

    async def _prepare_now(self, statement: Statement) -> _Prepared:
        query = await run_in_thread(
            lambda: self._session.prepare(statement.cql.format(keyspace=self._keyspace)),
            seconds=self._settings.store_timeout_seconds,
            what=f"preparing {statement.table} {statement.operation}",
        )
        query.is_idempotent = True
        return _Prepared(query, _layout(query))

    def _keep_prepared(self, statement: Statement, done: asyncio.Task[_Prepared]) -> None:
        del self._preparing[statement]
        if not done.cancelled() and done.exception() is None:
            self._prepared[statement] = done.result()


async def connect(settings: Settings, metrics: Metrics, limits: BatchLimits | None = None) -> Store:
    """Return a store that is connected to an existing keyspace. Raises StoreUnavailable."""
    store = Store(settings, metrics, limits)
    await store.connect()
    return store


def _open_session(
    settings: Settings,
    migrations: Sequence[Migration],
    abandoned: Event,
    connections: type[LoopConnection],
) -> Any:
    cluster = create_cluster(settings, connections)
    try:
        session = cluster.connect()
        if settings.cassandra_keyspace not in cluster.metadata.keyspaces:
            _refuse("there is no such keyspace: run `mingle migrate`")
        # A missing migration would turn messages into bugs; a newer one does no harm.
        applied = MigrationLog(session, settings).applied() if migrations else {}
        missing = [each.number for each in migrations if each.number not in applied]
        if missing:
            _refuse(f"migrations {missing} are not applied: run `mingle migrate`")
        if abandoned.is_set():
            _refuse("connected after the timeout")
    except BaseException:
        cluster.shutdown()
        raise
    session.client_protocol_handler = PackedProtocolHandler
    session.use_client_timestamp = False  # versions come from events
    session.default_fetch_size = None  # queries bound themselves
    return session


def _refuse(reason: str) -> NoReturn:
    raise ConnectionError(reason)


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


async def _wait_for_all(pending: deque[asyncio.Future[Any]]) -> None:
    while pending:
        await pending.popleft()


def _cancel_all(pending: Iterable[asyncio.Future[Any]]) -> None:
    for future in pending:
        future.cancel()
