"""Starts and stops the programs of a run: workers, an API, and servers of its own."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from servers import cassandra, kafka
from servers.cassandra import CassandraConfig
from servers.kafka import KafkaConfig
from servers.ports import LOOPBACK, first_free_port
from servers.process import Guard

STOP_SECONDS = 20.0
"""A worker ends ten seconds after a signal, whatever hangs."""
COMMAND_SECONDS = 300.0
"""For a command: a migration takes half a minute on a busy machine."""


class ProgramFailed(RuntimeError):
    """A program failed, or ended too early; the message names its log."""


class ServerAddresses(NamedTuple):
    """Addresses of Kafka and Cassandra."""

    kafka: str
    cassandra_host: str
    cassandra_port: int


@contextmanager
def own_servers() -> Iterator[ServerAddresses]:
    """Run Kafka and Cassandra with default memory in a temporary folder."""
    folder = Path(tempfile.mkdtemp(prefix="mingle-loadtest-"))
    broker = kafka.kafka_server(
        KafkaConfig(folder=folder / "kafka", port=first_free_port(kafka.PORTS))
    )
    node = cassandra.cassandra_server(
        CassandraConfig(folder=folder / "cassandra", port=first_free_port(cassandra.PORTS))
    )
    guards: list[Guard] = []
    try:
        with ThreadPoolExecutor(2) as pool:
            for started in [pool.submit(each.start) for each in (broker, node)]:
                started.result()
        guards += [Guard(each.pid) for each in (broker, node) if each.pid is not None]
        yield ServerAddresses(broker.address, LOOPBACK, node.port)
    finally:
        broker.cancel()
        node.cancel()
        for each in (broker, node):
            each.kill()
        for guard in guards:
            guard.release()
        shutil.rmtree(folder, ignore_errors=True)


class Program(NamedTuple):
    """A running program, and the port where it serves HTTP."""

    name: str
    process: subprocess.Popen[bytes]
    guard: Guard
    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def check_running(self) -> None:
        """Raise ProgramFailed if it has ended."""
        code = self.process.poll()
        if code is not None:
            raise ProgramFailed(f"{self.name} ended with {code}: see {self.log}")

    def stop(self) -> None:
        """Ask it to end, and kill it if it does not."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(STOP_SECONDS)


class Programs:
    """Running programs by name. Each ends when this process does, however that happens."""

    def __init__(self, environment: Mapping[str, str], logs: Path) -> None:
        self._environment = os.environ | environment
        self._logs = logs
        self._running: dict[str, Program] = {}
        logs.mkdir(parents=True, exist_ok=True)

    def start(self, name: str, *arguments: str, port_setting: str) -> Program:
        """Start `mingle` with these arguments, listening on a free port."""
        port = first_free_port(1)
        log = self._logs / f"{name}.log"
        own = {port_setting: str(port), "MINGLE_WORKER_NAME": name}
        with log.open("ab") as output:
            process = subprocess.Popen(  # noqa: S603 - our own arguments
                [*_mingle(), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self._environment | own,
                start_new_session=True,  # Ctrl-C is for the run, which stops them
            )
        self._running[name] = program = Program(name, process, Guard(process.pid), port, log)
        return program

    def run(self, *arguments: str) -> None:
        """Run `mingle` with these arguments to its end. Raises ProgramFailed."""
        done = subprocess.run(  # noqa: S603 - our own arguments
            [*_mingle(), *arguments],
            env=self._environment,
            capture_output=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        if done.returncode:
            output = (done.stderr or done.stdout).decode(errors="replace").strip()
            raise ProgramFailed(f"mingle {' '.join(arguments)}: {output}")

    def running(self, prefix: str = "") -> list[Program]:
        """Return the programs whose names begin with the prefix."""
        return [each for name, each in self._running.items() if name.startswith(prefix)]

    def stop(self, programs: Sequence[Program]) -> None:
        """Stop these programs, all at the same time."""
        with ThreadPoolExecutor(max(1, len(programs))) as pool:
            list(pool.map(Program.stop, programs))
        for each in programs:
            each.guard.release()
            self._running.pop(each.name, None)


def _mingle() -> list[str]:
    return [str(Path(sys.executable).with_name("mingle"))]
