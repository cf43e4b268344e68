"""Real servers for the tests that ask for them, and a last word on what was skipped.

* `kafka`, `cassandra`: a server to use, shared by the whole run. Topics and keyspaces of a test
  need names of their own.
* `breakable_kafka`, `breakable_cassandra`: the same servers, to kill, pause and stop; they run
  and answer again before the next test.

Whoever uses one of them is marked `integration`. MINGLE_TEST_KAFKA and MINGLE_TEST_CASSANDRA
(host:port) name servers that run already; these are never broken.
"""

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import hypothesis
import pytest

from servers import cassandra as cassandra_server
from servers import jars, java
from servers import kafka as kafka_server
from servers.cassandra import CassandraConfig
from servers.errors import ToolMissing
from servers.kafka import KafkaConfig
from servers.ports import first_free_port
from servers.server import START_SECONDS, Reachable, Server
from tests.parallel import SERVERS, GroupScheduling, Order, check_places, servers_of

# In CI the same examples each time, so that a change is judged and not luck; new ones elsewhere.
for profile, same in (("default", False), ("ci", True)):
    hypothesis.settings.register_profile(profile, deadline=None, derandomize=same, print_blob=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "default")


def pytest_addoption(parser: pytest.Parser) -> None:
    nemesis = parser.getgroup("nemesis")
    nemesis.addoption("--nemesis-seconds", type=float, default=600.0, help="of random faults")
    nemesis.addoption("--nemesis-seed", type=int, help="of faults and events; else a new one")


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):  # one of the processes that xdist starts
        config.pluginmanager.register(Order())


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> GroupScheduling:
    return GroupScheduling(config, log)


class Attached(NamedTuple):
    """A server that somebody else runs."""

    host: str
    port: int

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"


class RealServers:
    """Servers that start when the first test asks; Kafka with the store that a test needs, too."""

    def __init__(self, folder: Path, needed: set[str]) -> None:
        self._folder = folder
        self._needed = needed
        self._pool = ThreadPoolExecutor(len(SERVERS))
        self._servers: dict[str, Server] = {}
        self._starts: dict[str, Future[Server]] = {}

    def get(self, name: str) -> Server:
        wanted = {name} if name == "cassandra" else {name, *self._needed}
        for needed in wanted - set(self._starts):
            self._servers[needed] = _server(needed, self._folder / needed)
            self._starts[needed] = self._pool.submit(self._servers[needed].start)
        return self._starts[name].result(START_SECONDS)

    def close(self) -> None:
        """End them, whatever they are doing. Their logs stay, their data does not."""
        for server in self._servers.values():
            server.cancel()
        self._pool.shutdown()
        for server in self._servers.values():
            server.discard()
            shutil.rmtree(server.folder / "data", ignore_errors=True)


def _server(name: str, folder: Path) -> Server:
    if name == "kafka":
        port = first_free_port(kafka_server.PORTS)
        return kafka_server.kafka_server(
            KafkaConfig(folder=folder, port=port, heap="512m", ephemeral=True)
        )
    port = first_free_port(cassandra_server.PORTS)
    return cassandra_server.cassandra_server(
        # Tests kill it, and then miss no write that was acknowledged.
        CassandraConfig(folder=folder, port=port, heap="1g", ephemeral=True, commitlog_sync="batch")
    )


def _attached(name: str) -> Attached | None:
    address = os.environ.get(f"MINGLE_TEST_{name.upper()}")
    if not address:
        return None
    host, _, port = address.rpartition(":")
    return Attached(host, int(port))


@pytest.fixture(scope="session")
def real_servers(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RealServers]:
    needed = {name for item in request.session.items for name in servers_of(item)}
    own = {name for name in needed if not _attached(name)}
    servers = RealServers(tmp_path_factory.mktemp("servers"), own)
    try:
        yield servers
    finally:
        servers.close()


@pytest.fixture(scope="session")
def kafka(real_servers: RealServers) -> Reachable:
    return _attached("kafka") or real_servers.get("kafka")


@pytest.fixture(scope="session")
def cassandra(real_servers: RealServers) -> Reachable:
    return _attached("cassandra") or real_servers.get("cassandra")


@pytest.fixture
def breakable_kafka(kafka: Reachable) -> Iterator[Server]:
    yield from _breakable(kafka)


@pytest.fixture
def breakable_cassandra(cassandra: Reachable) -> Iterator[Server]:
    yield from _breakable(cassandra)


def _breakable(server: Reachable) -> Iterator[Server]:
    if not isinstance(server, Server):
        pytest.skip(f"would break {server.address}, which is not this run's own")
    yield server
    if server.pid is not None:
        server.resume()
    server.start()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    check_places(items)
    for item in items:
        if servers_of(item):
            item.add_marker("integration")
    real = [item for item in items if item.get_closest_marker("integration")]
    reason = _cannot_run() if real else None
    if reason:
        for item in real:
            item.add_marker(pytest.mark.skip(reason=reason))


def _cannot_run() -> str | None:
    """What to install before servers can be started here; None where nothing is missing."""
    if all(_attached(name) for name in SERVERS):
        return None
    try:
        java.find_java()
        for name in SERVERS:
            jars.require_jars(name, jars.default_cache())
    except ToolMissing as missing:
        return str(missing)
    return None


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = Counter(
        str(report.longrepr[2]) for report in terminalreporter.stats.get("skipped", ())
    )
    terminalreporter.section("skipped")
    if not skipped:
        terminalreporter.write_line("nothing skipped")
    for reason, count in skipped.most_common():
        terminalreporter.write_line(f"{count} skipped: {reason.removeprefix('Skipped: ')}")
