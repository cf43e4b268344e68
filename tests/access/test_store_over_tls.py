"""Both kinds of session with Cassandra over TLS: in the loop, and in threads."""

import asyncio
import ssl
import time
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from servers.server import Reachable
from services.errors import AccessRefused
from services.metrics.metrics import Metrics
from services.settings.settings import Settings
from services.storage import migrations
from services.storage.connection import LoopConnection
from services.storage.session import connect
from services.storage.statements import insert, select
from tests.access.conftest import Certificates
from tests.access.tls_front import TlsFront

KEYSPACE = "over_tls"
REFUSED_SECONDS = 20.0
MIGRATION = migrations.parse_migration(
    "0001_words.cql",
    "-- For the test.\nCREATE TABLE IF NOT EXISTS words (a int PRIMARY KEY, w text);\n",
)
WRITE = insert("words", "a", "w", operation="write")
READ = select("words", "read", "a, w", "WHERE a = ?")
LARGE = "x" * 300_000
"""More than a socket takes at once, both ways."""


@pytest.fixture
def front(cassandra: Reachable, certificates: Certificates) -> Iterator[TlsFront]:
    """The node, where it wants to see a certificate of our authority."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=certificates.ours.file)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(certificates.server.certificate_file, certificates.server.key_file)
    with TlsFront(cassandra.port, context) as front:
        yield front


def settings_for(front: TlsFront, certificates: Certificates, **more: Any) -> Settings:
    return Settings.model_validate(
        {
            "cassandra_port": front.port,
            "cassandra_keyspace": KEYSPACE,
            "cassandra_tls": True,
            "cassandra_ca_file": certificates.ours.file,
            "cassandra_certificate_file": certificates.client.certificate_file,
            "cassandra_key_file": certificates.client.key_file,
        }
        | more
    )


async def test_what_is_migrated_is_written_and_read(
    front: TlsFront, certificates: Certificates
) -> None:
    """Over TLS throughout, large values included, many at a time."""
    settings = settings_for(front, certificates, cassandra_tls_name="the-store")
    await migrations.migrate(settings, [MIGRATION])
    store = await connect(settings, Metrics(CollectorRegistry()))
    try:
        assert {type(each).__mro__[1] for each in store._connections.open} == {LoopConnection}
        assert all(each._transport.get_extra_info("cipher") for each in store._connections.open)
        texts = {a: f"{a}" + LARGE for a in range(30)}
        await asyncio.gather(
            *(store.write([WRITE.row(a=a, w=w, version=1)]) for a, w in texts.items())
        )
        read = await asyncio.gather(*(store.read(READ, a) for a in texts))
        assert {a: w for ((a, w),) in read} == texts
    finally:
        await store.close()


async def test_a_node_that_is_not_trusted_is_named(
    front: TlsFront, certificates: Certificates
) -> None:
    """Another authority's, or another name than the certificate's: at once, by both sessions."""
    for wrong in (
        {"cassandra_ca_file": certificates.theirs.file},
        {"cassandra_tls_name": "another-store"},
    ):
        settings = settings_for(front, certificates, **wrong)
        began = time.monotonic()
        with pytest.raises(AccessRefused, match="MINGLE_CASSANDRA_TLS, _CA_FILE"):
            await migrations.migrate(settings, [MIGRATION], dry_run=True)
        with pytest.raises(AccessRefused, match="CERTIFICATE_VERIFY_FAILED"):
            await connect(settings, Metrics(CollectorRegistry()))
        assert time.monotonic() - began < REFUSED_SECONDS


async def test_a_node_that_wants_a_certificate_says_so(
    front: TlsFront, certificates: Certificates
) -> None:
    """With TLS 1.3 it says so after the handshake."""
    nobody = {"cassandra_certificate_file": "", "cassandra_key_file": ""}
    settings = settings_for(front, certificates, **nobody)
    with pytest.raises(AccessRefused, match="certificate"):
        await migrations.migrate(settings, [MIGRATION], dry_run=True)
    with pytest.raises(AccessRefused, match="certificate"):
        await connect(settings, Metrics(CollectorRegistry()))


async def test_a_node_that_speaks_no_tls_is_named(
    cassandra: Reachable, front: TlsFront, certificates: Certificates
) -> None:
    """Rather than waited for."""
    settings = settings_for(front, certificates, cassandra_port=cassandra.port)
    with pytest.raises(AccessRefused, match="MINGLE_CASSANDRA_TLS"):
        await connect(settings, Metrics(CollectorRegistry()))
