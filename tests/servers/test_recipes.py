"""What the servers are told is what was asked for."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from servers.cassandra import Cassandra, CassandraConfig
from servers.java import Java
from servers.kafka import Kafka, KafkaConfig
from servers.recipe import Recipe


@pytest.fixture(autouse=True)
def no_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither Java nor jars are needed to see the command."""
    files = [Path("jars/jamm-0.4.0.jar"), Path("jars/server.jar")]
    monkeypatch.setattr("servers.java.find_java", lambda: Java("java", "17"))
    monkeypatch.setattr("servers.jars.fetch_jars", lambda server, cache: files)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a name that is hard on configuration files, already formatted."""
    folder = tmp_path / 'a "folder", with blanks: #1'
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "meta.properties").touch()
    return folder


Make = Callable[..., Recipe]


def kafka(folder: Path, **settings: Any) -> Kafka:
    return Kafka(KafkaConfig(folder=folder, cache=folder / "cache", **settings))


def cassandra(folder: Path, **settings: Any) -> Cassandra:
    return Cassandra(CassandraConfig(folder=folder, cache=folder / "cache", **settings))


def prepared(recipe: Recipe, file: str) -> str:
    recipe.prepare()
    return (recipe.folder / file).read_text()


def arguments(recipe: Recipe) -> list[str]:
    return prepared(recipe, "java.args").splitlines()


def test_kafka_listens_on_its_ports_of_the_loopback(folder: Path) -> None:
    """The broker has the configured port, its controller the next."""
    lines = prepared(kafka(folder, port=21_000), "kafka.properties").splitlines()
    assert "listeners=PLAINTEXT://127.0.0.1:21000,CONTROLLER://127.0.0.1:21001" in lines
    assert "controller.quorum.voters=1@127.0.0.1:21001" in lines
    assert f"log.dirs={folder}/data" in lines


def test_kafka_tells_clients_that_come_by_a_proxy_to_stay_there(folder: Path) -> None:
    """They have a port of their own behind the proxy; other clients do not see the proxy."""
    recipe = kafka(folder, port=21_000, proxy=30_000)
    lines = prepared(recipe, "kafka.properties").splitlines()
    plain = "PLAINTEXT://127.0.0.1:21000"
    behind = "PROXIED://127.0.0.1:21002"
    assert f"listeners={plain},CONTROLLER://127.0.0.1:21001,{behind}" in lines
    assert f"advertised.listeners={plain},PROXIED://127.0.0.1:30000" in lines
    assert list(recipe.ports()) == [21_000, 21_001, 21_002]


def test_cassandra_listens_on_its_ports_of_the_loopback(folder: Path) -> None:
    """Clients have the configured port, internode traffic the next, JMX the one after."""
    recipe = cassandra(folder, port=21_000)
    settings = yaml.safe_load(prepared(recipe, "cassandra.yaml"))
    assert settings["native_transport_port"] == 21_000
    assert settings["storage_port"] == 21_001
    assert settings["listen_address"] == settings["rpc_address"] == "127.0.0.1"
    assert settings["data_file_directories"] == [f"{folder}/data/data"]
    assert '"-Dcassandra.jmx.local.port=21002"' in arguments(recipe)
    assert list(recipe.ports()) == [21_000, 21_001, 21_002]


@pytest.mark.parametrize(("sync", "period"), [("periodic", "10s"), ("batch", None)])
def test_cassandra_commitlog_sync(folder: Path, sync: str, period: str | None) -> None:
    """A period is given only where there is one: Cassandra refuses the other."""
    recipe = cassandra(folder, commitlog_sync=sync)
    settings = yaml.safe_load(prepared(recipe, "cassandra.yaml"))
    assert settings["commitlog_sync"] == sync
    assert settings.get("commitlog_sync_period") == period


@pytest.mark.parametrize("make", [kafka, cassandra])
def test_heap_is_bounded(make: Make, folder: Path) -> None:
    """The heap is the configured one; a server that is not ephemeral takes all of it at once."""
    given = arguments(make(folder, heap="300m"))
    assert {'"-Xmx300m"', '"-Xms300m"'} <= set(given)


@pytest.mark.parametrize("make", [kafka, cassandra])
def test_ephemeral_server_is_quick_to_start(make: Make, folder: Path) -> None:
    """A server for tests neither reserves its heap nor compiles for the long run."""
    given = set(arguments(make(folder, ephemeral=True)))
    assert {'"-XX:TieredStopAtLevel=1"', '"-XX:+UseSerialGC"'} <= given
    assert not any("-Xms" in argument for argument in given)


def test_agent_stays_out_of_the_run_that_archives(folder: Path) -> None:
    """The JVM archives no classes under an agent: the first run goes without one."""
    recipe = cassandra(folder)
    assert '"-javaagent:jars/jamm-0.4.0.jar"' not in arguments(recipe)
    recipe.archive().kept.parent.mkdir()
    recipe.archive().kept.touch()
    assert '"-javaagent:jars/jamm-0.4.0.jar"' in arguments(recipe)
