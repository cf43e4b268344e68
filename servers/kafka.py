"""Kafka: a single broker that is its own controller (KRaft)."""

import base64
import subprocess
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from servers import jars, java
from servers.errors import StartFailed
from servers.ports import LOOPBACK, listens
from servers.recipe import CONFIG, Recipe, ServerConfig, class_path
from servers.server import Server

PORTS = 2
PORTS_WITH_PROXY = 3
FORMAT_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class KafkaConfig(ServerConfig):
    """`properties` extend or replace those in `servers/config`, for more listeners, say.

    A PLAINTEXT listener must stay at `port`: probes use it. `proxy` is the port of a proxy between
    clients and a third port, in tests.
    """

    properties: Mapping[str, str] = field(default_factory=dict)
    port: int = 9092
    heap: str = "1g"
    proxy: int | None = None


class Kafka(Recipe):
    """A broker on `port`, its controller on the next one.

    With a proxy, a third port serves its clients and advertises the proxy to them.
    """

    name = "kafka"
    config: KafkaConfig

    def ports(self) -> Sequence[int]:
        count = PORTS if self.config.proxy is None else PORTS_WITH_PROXY
        return range(self.config.port, self.config.port + count)

    def prepare(self) -> Sequence[str]:
        program = java.find_java().program
        classes = class_path(jars.fetch_jars(self.name, self.config.cache))
        properties = self._render_properties()
        logging = f"-Dlog4j2.configurationFile={CONFIG / 'kafka-log4j2.properties'}"
        options = (*self.options(), logging, "-cp", classes)
        if not (self.data / "meta.properties").exists():
            self._format(program, classes, properties)
        java.write_arguments(self.arguments, (*options, "kafka.Kafka", str(properties)))
        return (program, f"@{self.arguments}")

    def answers(self, timeout: float) -> bool:
        """Whether the metadata lists the broker: it is registered and takes requests."""
        if not listens(self.config.port, timeout):
            return False
        address = f"{LOOPBACK}:{self.config.port}"
        client = AdminClient({"bootstrap.servers": address, "log_level": 0})
        try:
            return bool(client.list_topics(timeout=timeout).brokers)
        except KafkaException:
            return False

    def _render_properties(self) -> Path:
        port, controller_port, *proxied = self.ports()
        values = {"port": port, "controller_port": controller_port, "data": self.data}
        values["listen"] = _proxied_listeners(proxied)
        values["advertise"] = _proxied_listeners([self.config.proxy] if proxied else [])
        path = self.render("kafka.properties", values)
        with path.open("a") as file:
            # The last of two lines with the same name counts.
            file.writelines(f"{name}={value}\n" for name, value in self.config.properties.items())
        return path

    def _format(self, program: str, classes: str, properties: Path) -> None:
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        tool = ("kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "--config")
        command = (program, "-XX:TieredStopAtLevel=1", "-cp", classes, *tool, str(properties))
        done = subprocess.run(  # noqa: S603 - our own arguments
            command, capture_output=True, text=True, timeout=FORMAT_SECONDS, check=False
        )
        if done.returncode != 0:
            raise StartFailed(f"kafka could not format its folder:\n{done.stdout}{done.stderr}")


def _proxied_listeners(ports: Sequence[int | None]) -> str:
    return "".join(f",PROXIED://{LOOPBACK}:{port}" for port in ports)


def kafka_server(config: KafkaConfig) -> Server:
    """Return the server of a folder, running or not."""
    return Server(Kafka(config))
