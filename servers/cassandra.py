"""Cassandra: a single node that owns every token."""

import json
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cassandra import DriverException
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import Cluster, NoHostAvailable

from servers import jars, java
from servers.ports import LOOPBACK, listens
from servers.recipe import CONFIG, Recipe, ServerConfig, class_path
from servers.server import Server

PORTS = 3
CommitlogSync = Literal["periodic", "batch"]
SUPERUSER = "cassandra"
"""The first user of a node that authenticates users, and its password."""


@dataclass(frozen=True)
class ClientSecurity:
    """TLS with client certificates, and a user with a password, are required of clients.

    The stores are PKCS #12 with one password; `context` is for clients in this process.
    """

    keystore: Path
    truststore: Path
    password: str
    context: ssl.SSLContext


@dataclass(frozen=True, kw_only=True)
class CassandraConfig(ServerConfig):
    """`commitlog_sync` is `batch` where every acknowledged write must survive a kill."""

    port: int = 9042
    heap: str = "2g"
    commitlog_sync: CommitlogSync = "periodic"
    security: ClientSecurity | None = None


class Cassandra(Recipe):
    """A node on `port`; the next two ports are for other nodes (there are none) and for JMX."""

    name = "cassandra"
    config: CassandraConfig

    def ports(self) -> Sequence[int]:
        return range(self.config.port, self.config.port + PORTS)

    def prepare(self) -> Sequence[str]:
        program = java.find_java().program
        files = jars.fetch_jars(self.name, self.config.cache)
        self._render_yaml()
        arguments = (*self.options(), *self._agent(files), *self._properties())
        main = ("-cp", class_path(files), "org.apache.cassandra.service.CassandraDaemon")
        java.write_arguments(self.arguments, (*arguments, *main))
        return (program, f"@{CONFIG / 'cassandra.jvm'}", f"@{self.arguments}")

    def answers(self, timeout: float) -> bool:
        """Whether a CQL query returns a row."""
        if not listens(self.config.port, timeout):
            return False
        cluster = Cluster(
            [LOOPBACK],
            port=self.config.port,
            connect_timeout=timeout,
            control_connection_timeout=timeout,
            schema_metadata_enabled=False,
            token_metadata_enabled=False,
            **self._access(),
        )
        query = "SELECT release_version FROM system.local"
        with cluster, suppress(NoHostAvailable, DriverException):
            return cluster.connect().execute(query, timeout=timeout).one() is not None
        return False

    def _access(self) -> dict[str, Any]:
        if self.config.security is None:
            return {}
        login = PlainTextAuthProvider(SUPERUSER, SUPERUSER)
        return {"ssl_context": self.config.security.context, "auth_provider": login}

    def _render_yaml(self) -> Path:
        port, storage_port, _ = self.ports()
        security, sync = self.config.security, self.config.commitlog_sync
        values = {
            "port": port,
            "storage_port": storage_port,
            "data": json.dumps(str(self.data))[1:-1],
            "authenticator": "PasswordAuthenticator" if security else "AllowAllAuthenticator",
            "authorizer": "CassandraAuthorizer" if security else "AllowAllAuthorizer",
            "client_encryption": json.dumps(_client_encryption(security)),
            "commitlog_sync": sync,
            "commitlog_sync_period": "commitlog_sync_period: 10s" if sync == "periodic" else "",
        }
        return self.render("cassandra.yaml", values)

    def _agent(self, files: Sequence[Path]) -> Sequence[str]:
        """Return the agent that measures memtables exactly.

        The JVM cannot write a class archive with it: a run that writes one estimates instead.
        """
        if self.archive().missing:
            return ()
        return tuple(f"-javaagent:{file}" for file in files if file.name.startswith("jamm-"))

    def _properties(self) -> Sequence[str]:
        *_, jmx_port = self.ports()
        return (
            f"-Dcassandra.config={(self.folder / 'cassandra.yaml').as_uri()}",
            f"-Dcassandra.storagedir={self.data}",
            f"-Dcassandra.jmx.local.port={jmx_port}",
            f"-Dlogback.configurationFile={CONFIG / 'cassandra-logback.xml'}",
            "-Dcassandra.superuser_setup_delay_ms=0",  # there are no other nodes to wait for
        )


def _client_encryption(security: ClientSecurity | None) -> dict[str, object]:
    if security is None:
        return {"enabled": False}
    return {
        "enabled": True,
        "optional": False,
        "require_client_auth": True,
        "keystore": str(security.keystore),
        "keystore_password": security.password,
        "truststore": str(security.truststore),
        "truststore_password": security.password,
        "store_type": "PKCS12",
    }


def cassandra_server(config: CassandraConfig) -> Server:
    """Return the server of a folder, running or not."""
    return Server(Cassandra(config))
