"""The driver's options for Cassandra, each with its reason."""

import asyncio
import logging
import re
import socket
from collections.abc import Callable
from typing import Any, TypeVar

from cassandra import AuthenticationFailed, ConsistencyLevel
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import (
    EXEC_PROFILE_DEFAULT,
    Cluster,
    DefaultConnection,
    ExecutionProfile,
    NoHostAvailable,
)
from cassandra.connection import Connection
from cassandra.policies import (
    DCAwareRoundRobinPolicy,
    ExponentialReconnectionPolicy,
    RetryPolicy,
    TokenAwarePolicy,
)

from services.errors import AccessRefused, StoreUnavailable
from services.settings.settings import Settings
from services.storage.dispatcher import translate_error

PROTOCOL_VERSION = 5
"""Has checksums in both directions; every Cassandra since 4.0 speaks it."""
RETRIES = 2
"""Retries of one request, within its timeout; after three failures the caller tries later."""
CONNECT_SECONDS = 30.0
"""For contact, the schema and a pool to every node; Cassandra itself starts faster."""
CONTACT_SECONDS = 5.0
"""For one connection to one node."""
RECONNECT_SECONDS = (0.5, 10.0)
"""First and longest pause between attempts to reach a node that is down, which never end."""

ALREADY_REPORTED = (
    "Error preparing query",
    "[control connection] Error connecting to",
    "Control connection failed to connect",
)
"""Messages that the driver logs with a trace at every attempt during an outage, and also raises, so
that the caller reports them. It logs separately that a node is down, or back."""

_WRONG_LOGIN = re.compile("incorrect|[Bb]ad credentials|requires authentication|not permitted")
_WRONG_TLS = re.compile(
    "CERTIFICATE|UNKNOWN_CA|WRONG_VERSION_NUMBER|RECORD_LAYER_FAILURE|HANDSHAKE_FAILURE"
)
"""OpenSSL's words for a peer that is not trusted, does not trust us, or speaks no TLS."""

T = TypeVar("T")


class IdempotentRetries(RetryPolicy):  # type: ignore[misc] # the driver is untyped
    """Retries idempotent requests only, on another node where that helps."""

    def on_read_timeout(self, query: Any, consistency: Any, **details: Any) -> Any:
        """The replicas were slow."""
        return self._retry(self.RETRY, query, consistency, **details)

    def on_write_timeout(self, query: Any, consistency: Any, **details: Any) -> Any:
        """It is unknown whether the write was applied."""
        return self._retry(self.RETRY, query, consistency, **details)

    def on_unavailable(self, query: Any, consistency: Any, **details: Any) -> Any:
        """The coordinator sees too few live replicas; another may see more."""
        return self._retry(self.RETRY_NEXT_HOST, query, consistency, **details)

    def on_request_error(self, query: Any, consistency: Any, **details: Any) -> Any:
        """The coordinator is overloaded, starting, or gone."""
        return self._retry(self.RETRY_NEXT_HOST, query, consistency, **details)

    def _retry(self, how: Any, query: Any, consistency: Any, *, retry_num: int, **_: Any) -> Any:
        if query is not None and query.is_idempotent and retry_num < RETRIES:
            return how, consistency
        return self.RETHROW, None


def create_cluster(settings: Settings, connection: type[Connection] = DefaultConnection) -> Any:
    """Return a cluster that is not connected yet. The caller shuts it down."""
    logging.getLogger("cassandra.cluster").addFilter(_is_not_reported_elsewhere)
    profile = ExecutionProfile(
        load_balancing_policy=TokenAwarePolicy(
            DCAwareRoundRobinPolicy(local_dc=settings.cassandra_datacenter)
        ),
        retry_policy=IdempotentRetries(),
        consistency_level=ConsistencyLevel.LOCAL_QUORUM,
        serial_consistency_level=ConsistencyLevel.LOCAL_SERIAL,
        request_timeout=settings.store_timeout_seconds,
        row_factory=_keep_rows,
    )
    return Cluster(
        list(settings.cassandra_hosts),
        port=settings.cassandra_port,
        connection_class=connection,
        protocol_version=PROTOCOL_VERSION,
        compression=False,  # costs the client more than a near network does
        sockopts=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],  # else 44 ms for large requests
        reconnection_policy=ExponentialReconnectionPolicy(*RECONNECT_SECONDS, max_attempts=None),
        connect_timeout=CONTACT_SECONDS,
        control_connection_timeout=CONTACT_SECONDS,
        execution_profiles={EXEC_PROFILE_DEFAULT: profile},
        application_name="mingle",
        **_access_options(settings),
    )


def _access_options(settings: Settings) -> dict[str, Any]:
    """Raise OSError for files that are gone."""
    options: dict[str, Any] = {}
    if settings.cassandra_user:
        options["auth_provider"] = PlainTextAuthProvider(
            settings.cassandra_user, settings.resolved_cassandra_password.get_secret_value()
        )
    if settings.cassandra_tls:
        options["ssl_context"] = settings.cassandra_tls_files.context()
        if settings.cassandra_tls_name:
            options["ssl_options"] = {"server_hostname": settings.cassandra_tls_name}
    return options


async def run_in_thread(work: Callable[[], T], *, seconds: float, what: str) -> T:
    """Run blocking work in a thread, and return its result.

    Raises StoreUnavailable when it fails or takes too long, AccessRefused where a node answers but
    does not accept this process.
    """
    try:
        return await asyncio.wait_for(asyncio.to_thread(work), seconds)
    except TimeoutError as error:
        raise StoreUnavailable(f"{what}: no answer in {seconds:g} s") from error
    except Exception as error:
        reason = _refusal_reason(error)
        refused = AccessRefused(f"{what}: {reason}") if reason else translate_error(error, what)
        raise refused from error


def _refusal_reason(error: BaseException) -> str | None:
    """Return why a node refuses this process, and which settings to look at."""
    if isinstance(error, NoHostAvailable) and isinstance(error.errors, dict):
        reasons = [_refusal_reason(each) for each in error.errors.values()]
        return reasons[0] if reasons and all(reasons) else None
    text = str(error)
    if isinstance(error, AuthenticationFailed) and _WRONG_LOGIN.search(text):
        return f"{text} (MINGLE_CASSANDRA_USER and its password)"
    # The driver keeps the text of TLS errors, but mostly not their type.
    if _WRONG_TLS.search(text):
        return f"{text} (MINGLE_CASSANDRA_TLS, _CA_FILE, _TLS_NAME and the client's certificate)"
    return None


def _is_not_reported_elsewhere(record: logging.LogRecord) -> bool:
    return not str(record.msg).startswith(ALREADY_REPORTED)


def _keep_rows(_names: Any, rows: Any) -> Any:
    return rows
