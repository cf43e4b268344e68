"""An authority and the certificates of a run; servers that let in whom they know."""

import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from servers import cassandra as cassandra_server
from servers import kafka as kafka_server
from servers.cassandra import CassandraConfig, ClientSecurity
from servers.kafka import KafkaConfig
from servers.ports import LOOPBACK, first_free_port
from servers.server import Server
from tests.access.certificates import PASSWORD, Authority, Signed

SCRAM, MUTUAL = 2, 3
"""How many ports after the first Kafka's listeners are; the second is the controller's."""


class Certificates(NamedTuple):
    """Servers and clients trust `ours`; `theirs` is trusted by nobody here."""

    ours: Authority
    theirs: Authority
    server: Signed
    client: Signed


class SecuredServers(NamedTuple):
    """Kafka speaks plainly on its own port, to whom it allows everything."""

    kafka: Server
    cassandra: Server

    @property
    def scram(self) -> str:
        """Over TLS, with a user and a password."""
        return f"{LOOPBACK}:{self.kafka.port + SCRAM}"

    @property
    def mutual(self) -> str:
        """Over TLS, with a certificate of the client's."""
        return f"{LOOPBACK}:{self.kafka.port + MUTUAL}"


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    folder: Path = tmp_path_factory.mktemp("certificates")
    ours = Authority(folder, "ours")
    server = ours.sign("server", "localhost", LOOPBACK, "the-store")
    return Certificates(ours, Authority(folder, "theirs"), server, ours.sign("mingle"))


@pytest.fixture(scope="session")
def secured(
    certificates: Certificates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SecuredServers]:
    folder = tmp_path_factory.mktemp("secured")
    servers = SecuredServers(_kafka(folder, certificates), _cassandra(folder, certificates))
    with ThreadPoolExecutor(len(servers)) as pool:
        try:
            for starting in [pool.submit(each.start) for each in servers]:
                starting.result()
            yield servers
        finally:
            for each in servers:
                each.cancel()
                each.discard()


def _kafka(folder: Path, certificates: Certificates) -> Server:
    first = first_free_port(kafka_server.PORTS + 2)
    scram, mutual = f"SCRAM://{LOOPBACK}:{first + SCRAM}", f"MUTUAL://{LOOPBACK}:{first + MUTUAL}"
    plain, controller = f"PLAINTEXT://{LOOPBACK}:{first}", f"CONTROLLER://{LOOPBACK}:{first + 1}"
    login = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
    properties = {
        "listeners": f"{plain},{controller},{scram},{mutual}",
        "advertised.listeners": f"{plain},{scram},{mutual}",
        "inter.broker.listener.name": "PLAINTEXT",
        "listener.security.protocol.map": (
            "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SCRAM:SASL_SSL,MUTUAL:SSL"
        ),
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "listener.name.scram.scram-sha-512.sasl.jaas.config": login,
        "listener.name.mutual.ssl.client.auth": "required",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": certificates.server.both_file,
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": certificates.ours.file,
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",  # of the listeners that ask for nothing
    }
    return kafka_server.kafka_server(
        KafkaConfig(
            folder=folder / "kafka", port=first, heap="512m", ephemeral=True, properties=properties
        )
    )


def _cassandra(folder: Path, certificates: Certificates) -> Server:
    context = ssl.create_default_context(cafile=certificates.ours.file)
    context.load_cert_chain(certificates.client.certificate_file, certificates.client.key_file)
    return cassandra_server.cassandra_server(
        CassandraConfig(
            folder=folder / "cassandra",
            port=first_free_port(cassandra_server.PORTS),
            heap="1g",
            ephemeral=True,
            security=ClientSecurity(
                certificates.server.keystore(), certificates.ours.truststore(), PASSWORD, context
            ),
        )
    )
