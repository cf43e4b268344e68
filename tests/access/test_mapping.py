"""Settings become the options of each client library, and of each client that is made here."""

import ast
import ssl
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaException
from confluent_kafka.admin import AdminClient
from faust.auth import SASLCredentials, SSLCredentials
from pydantic import SecretStr

from services.settings.brokers import Brokers, SaslMechanism
from services.settings.settings import Settings
from services.settings.tls import TlsFiles
from services.storage.cluster import create_cluster
from streams.app import create_app
from streams.bootstrap import create_metrics
from streams.kafka.credentials import credentials
from streams.kafka.producer import KafkaOutbox
from tests.access.conftest import Certificates
from tests.streams.fakes import memory_brakes

ROOT = Path(__file__).parents[2]
PLAIN = Brokers("a:1,b:2")


def users(mechanism: SaslMechanism, files: TlsFiles | None = None) -> Brokers:
    return Brokers(
        "a:1",
        "SASL_SSL" if files else "SASL_PLAINTEXT",
        files or TlsFiles(),
        mechanism,
        "alice",
        SecretStr("geheim"),
    )


def test_without_tls_and_login_there_is_only_an_address() -> None:
    """Only the address is set."""
    assert PLAIN.librdkafka() == {"bootstrap.servers": "a:1,b:2"}
    assert PLAIN.aiokafka() == {"bootstrap_servers": "a:1,b:2", "security_protocol": "PLAINTEXT"}
    assert credentials(PLAIN) is None


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"])
def test_every_client_logs_in(mechanism: SaslMechanism) -> None:
    """librdkafka, aiokafka and Faust all get user, password and mechanism."""
    brokers = users(mechanism)
    assert brokers.librdkafka() == {
        "bootstrap.servers": "a:1",
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": mechanism,
        "sasl.username": "alice",
        "sasl.password": "geheim",
    }
    assert brokers.aiokafka() == {
        "bootstrap_servers": "a:1",
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": mechanism,
        "sasl_plain_username": "alice",
        "sasl_plain_password": "geheim",
    }
    shown = credentials(brokers)
    assert isinstance(shown, SASLCredentials)
    assert (shown.protocol.value, shown.mechanism.value) == ("SASL_PLAINTEXT", mechanism)
    assert (shown.username, shown.password, shown.ssl_context) == ("alice", "geheim", None)


def test_files_of_tls_reach_every_client(certificates: Certificates) -> None:
    """Each library accepts them: it reads the files when a client is created."""
    brokers = users("SCRAM-SHA-512", certificates.ours.files(certificates.client))
    options = brokers.librdkafka()
    assert options["ssl.ca.location"] == certificates.ours.file
    assert options["ssl.certificate.location"] == certificates.client.certificate_file
    assert options["ssl.key.location"] == certificates.client.key_file
    AdminClient(options)
    with pytest.raises(KafkaException, match=r"ssl\.ca\.location"):
        Consumer(options | {"group.id": "a", "ssl.ca.location": "/nowhere"})
    verifies(brokers.aiokafka()["ssl_context"])
    shown = credentials(brokers)
    assert isinstance(shown, SASLCredentials)
    assert shown.protocol.value == "SASL_SSL"
    verifies(shown.ssl_context)
    alone = credentials(Brokers("a:1", "SSL", certificates.ours.files(certificates.client)))
    assert isinstance(alone, SSLCredentials)
    verifies(alone.context)


def verifies(context: ssl.SSLContext | None) -> None:
    """Check that only the configured CA is trusted and that the name is verified."""
    assert context is not None
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    (trusted,) = context.get_ca_certs()
    assert trusted["subject"] == ((("commonName", "ours"),),)


async def test_workers_and_outbox_are_made_with_it(certificates: Certificates) -> None:
    """It holds for the consumers of every role and for the producer."""
    settings = Settings.model_validate(
        {
            "kafka_security_protocol": "SASL_SSL",
            "kafka_user": "alice",
            "kafka_password": "geheim",
            "kafka_ca_file": certificates.ours.file,
        }
    )
    told = create_app("ingest", settings, create_metrics(), memory_brakes()).conf.broker_credentials
    assert isinstance(told, SASLCredentials)
    assert told.protocol.value == "SASL_SSL"
    producer = KafkaOutbox(settings.brokers)._new_producer()
    assert producer.client._security_protocol == "SASL_SSL"
    assert producer.client._sasl_plain_username == "alice"
    await producer.stop()


def test_sessions_of_cassandra_are_made_with_it(certificates: Certificates) -> None:
    """Migrations and the event loop use the same cluster settings."""
    settings = Settings.model_validate(
        {
            "cassandra_tls": True,
            "cassandra_tls_name": "the-store",
            "cassandra_ca_file": certificates.ours.file,
            "cassandra_user": "bob",
            "cassandra_password": "geheim",
        }
    )
    made = create_cluster(settings)
    try:
        verifies(made.ssl_context)
        assert made.ssl_options == {"server_hostname": "the-store"}
        assert (made.auth_provider.username, made.auth_provider.password) == ("bob", "geheim")
    finally:
        made.shutdown()
    bare = create_cluster(Settings())
    assert (bare.ssl_context, bare.auth_provider) == (None, None)
    bare.shutdown()


MADE_ELSEWHERE = {"streams/embedded/demo_client.py": "of the broker inside the process"}


def test_no_client_of_kafka_is_made_of_an_address() -> None:
    """A client created from an address alone would lack TLS and the login."""
    for folder in ("services", "streams", "loadtest"):
        for file in (ROOT / folder).rglob("*.py"):
            place = file.relative_to(ROOT).as_posix()
            if place == "services/settings/brokers.py" or place in MADE_ELSEWHERE:
                continue
            tree = ast.parse(file.read_text())
            named = {each.value for each in ast.walk(tree) if isinstance(each, ast.Constant)}
            named |= {each.arg for each in ast.walk(tree) if isinstance(each, ast.keyword)}
            assert not named & {"bootstrap.servers", "bootstrap_servers"}, place
