"""How this project talks to Cassandra: the driver's options, each with its reason."""

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
"""Checksums on both ways; every Cassandra since 4.0 speaks it."""
RETRIES = 2
"""Of one request, inside its timeout; what fails thrice is for the caller to try later."""
CONNECT_SECONDS = 30.0
"""For contact, the schema and a pool to every node; Cassandra itself starts in less."""
CONTACT_SECONDS = 5.0
"""For one connection to one node."""
RECONNECT_SECONDS = (0.5, 10.0)
"""First and longest pause between attempts to reach a node that is down; they never end."""

ALREADY_REPORTED = (
    "Error preparing query",
    "[control connection] Error connecting to",
    "Control connection failed to connect",
)
"""What the driver logs with a trace, at each of the attempts that an outage is full of, although
it also raises it: whoever asked says so. That a node is down, or back, it says apart."""

_WRONG_LOGIN = re.compile("incorrect|[Bb]ad credentials|requires authentication|not permitted")
_WRONG_TLS = re.compile(
    "CERTIFICATE|UNKNOWN_CA|WRONG_VERSION_NUMBER|RECORD_LAYER_FAILURE|HANDSHAKE_FAILURE"
)
"""In what OpenSSL says: the other side is not trusted, does not trust us, or speaks no TLS."""

T = TypeVar("T")


class IdempotentRetries(RetryPolicy):  # type: ignore[misc] # the driver is untyped
    """Tries an idempotent request again, elsewhere where that helps; any other never."""

    def on_read_timeout(self, query: Any, consistency: Any, **told: Any) -> Any:
        """The replicas were slow."""
        return self._again(self.RETRY, query, consistency, **told)

    def on_write_timeout(self, query: Any, consistency: Any, **told: Any) -> Any:
        """Whether it was written is unknown."""
        return self._again(self.RETRY, query, consistency, **told)

    def on_unavailable(self, query: Any, consistency: Any, **told: Any) -> Any:
        """The coordinator sees too few replicas alive; another may see more."""
        return self._again(self.RETRY_NEXT_HOST, query, consistency, **told)

    def on_request_error(self, query: Any, consistency: Any, **told: Any) -> Any:
        """The coordinator is overloaded, starting, or gone."""
        return self._again(self.RETRY_NEXT_HOST, query, consistency, **told)

    def _again(self, how: Any, query: Any, consistency: Any, *, retry_num: int, **_: Any) -> Any:
        if query is not None and query.is_idempotent and retry_num < RETRIES:
            return how, consistency
        return self.RETHROW, None


def create_cluster(settings: Settings, connection: type[Connection] = DefaultConnection) -> Any:
    """A cluster that is not connected yet. Whoever makes it shuts it down."""
    logging.getLogger("cassandra.cluster").addFilter(_not_said_by_us)
    profile = ExecutionProfile(
        load_balancing_policy=TokenAwarePolicy(
            DCAwareRoundRobinPolicy(local_dc=settings.cassandra_datacenter)
        ),
        retry_policy=IdempotentRetries(),
        consistency_level=ConsistencyLevel.LOCAL_QUORUM,
        serial_consistency_level=ConsistencyLevel.LOCAL_SERIAL,
        request_timeout=settings.store_timeout_seconds,
        row_factory=_as_received,
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
        **_access(settings),
    )


def _access(settings: Settings) -> dict[str, Any]:
    """Raises OSError for files that are no more."""
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
    """What blocks, in a thread of its own; StoreUnavailable when it fails or takes too long.

    AccessRefused where a node answers and does not let this process in.
    """
    try:
        return await asyncio.wait_for(asyncio.to_thread(work), seconds)
    except TimeoutError as error:
        raise StoreUnavailable(f"{what}: no answer in {seconds:g} s") from error
    except Exception as error:
        why = _refusal(error)
        raise (AccessRefused(f"{what}: {why}") if why else translate_error(error, what)) from error


def _refusal(error: BaseException) -> str | None:
    """Why a node refuses whoever connects like this, and what to look at."""
    if isinstance(error, NoHostAvailable) and isinstance(error.errors, dict):
        found = [_refusal(each) for each in error.errors.values()]
        return found[0] if found and all(found) else None
    said = str(error)
    if isinstance(error, AuthenticationFailed) and _WRONG_LOGIN.search(said):
        return f"{said} (MINGLE_CASSANDRA_USER and its password)"
    # The driver keeps the text of what TLS raises, and mostly not its type.
    if _WRONG_TLS.search(said):
        return f"{said} (MINGLE_CASSANDRA_TLS, _CA_FILE, _TLS_NAME and the client's certificate)"
    return None


def _not_said_by_us(record: logging.LogRecord) -> bool:
    return not str(record.msg).startswith(ALREADY_REPORTED)


def _as_received(_names: Any, rows: Any) -> Any:
    return rows
