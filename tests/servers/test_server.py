"""A server starts once, stops for good, and is told from strangers."""

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from servers import process
from servers.errors import PortTaken, ServerError, StartFailed
from servers.java import ClassArchive
from servers.ports import LOOPBACK, first_free_port, listens
from servers.recipe import Recipe, ServerConfig
from servers.server import LOG_BYTES_KEPT, Server

WAIT = 20

LISTENS = """
import signal, socket, sys
stubborn, port = sys.argv[1] == "stubborn", int(sys.argv[2])
if stubborn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
server = socket.create_server(("127.0.0.1", port))
print("listening", flush=True)
while True:
    client, _ = server.accept()
    client.sendall(b"yes")
    client.close()
"""
SILENT = "import signal; signal.pause()"
DIES = "raise SystemExit('out of luck')"


class Yes(Recipe):
    """A server that answers every connection with yes."""

    name = "yes"

    def __init__(self, config: ServerConfig, code: str = LISTENS, manner: str = "polite") -> None:
        super().__init__(config)
        self.code = code
        self.manner = manner

    def ports(self) -> Sequence[int]:
        return (self.config.port,)

    def prepare(self) -> Sequence[str]:
        port = str(self.config.port)
        return (sys.executable, "-c", self.code, self.manner, port, f"@{self.arguments}")

    def answers(self, timeout: float) -> bool:
        if not listens(self.config.port, timeout):
            return False
        with socket.create_connection((LOOPBACK, self.config.port), timeout) as client:
            client.settimeout(timeout)
            try:
                return client.recv(3) == b"yes"
            except TimeoutError:
                return False

    def archive(self) -> ClassArchive:
        return ClassArchive(self.config.cache / "kept.jsa", self.folder / "classes.jsa")


Make = Callable[..., Server]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[Server] = []
    port = first_free_port(1)
    (tmp_path / "cache").mkdir()

    def make(code: str = LISTENS, manner: str = "polite", port: int = port) -> Server:
        config = ServerConfig(
            folder=tmp_path / "yes", port=port, heap="1m", cache=tmp_path / "cache"
        )
        made.append(Server(Yes(config, code, manner)))
        return made[-1]

    yield make
    for server in made:
        server.kill()


def test_started_server_answers(make: Make) -> None:
    """It answers at its address, and its log says what it printed."""
    server = make().start(WAIT)
    assert server.answers()
    assert server.address == f"127.0.0.1:{server.port}"
    assert server.log.read_text() == "listening\n"


def test_start_is_idempotent(make: Make) -> None:
    """A second start, from any process, leaves the running server alone."""
    pid = make().start(WAIT).pid
    assert make().start(WAIT).pid == pid


def test_stop_by_another_process(make: Make) -> None:
    """Any process that knows the folder can stop the server; stopping it again does nothing."""
    server = make().start(WAIT)
    make().stop(WAIT)
    assert server.pid is None
    assert not server.answers()
    server.stop(WAIT)


def test_stubborn_server_is_killed(make: Make) -> None:
    """A process that ignores SIGTERM is killed after the timeout."""
    server = make(manner="stubborn").start(WAIT)
    server.stop(timeout=0.1)
    assert server.pid is None


def test_restart_is_a_new_process(make: Make) -> None:
    """A restart keeps the address and nothing of the process."""
    server = make().start(WAIT)
    pid = server.pid
    assert server.restart(WAIT).answers()
    assert server.pid != pid


def test_paused_server_answers_nothing(make: Make) -> None:
    """A frozen server runs without answering, and can still be stopped."""
    server = make().start(WAIT)
    server.pause()
    assert not server.answers(timeout=0.2)
    assert server.pid
    server.resume()
    assert server.answers(WAIT)
    server.pause()
    server.stop(WAIT)
    assert server.pid is None


def test_server_that_does_not_run_cannot_be_paused(make: Make) -> None:
    """Pausing a stopped server is an error."""
    with pytest.raises(ServerError, match="yes is not running"):
        make().pause()


def test_stale_record_is_overcome(make: Make) -> None:
    """After a crash or a reboot the file may name a process that is gone or not ours."""
    server = make()
    server.folder.mkdir()
    process.write_process_record(
        server.folder / "pid", process.ProcessRecord(os.getpid(), server.port)
    )
    assert server.pid is None
    server.stop(WAIT)
    process.write_process_record(
        server.folder / "pid", process.ProcessRecord(os.getpid(), server.port)
    )
    assert server.start(WAIT).answers()
    assert server.pid != os.getpid()


def test_crashed_server_starts_again(make: Make) -> None:
    """A crash leaves nothing in the way of the next start."""
    server = make().start(WAIT)
    assert server.pid
    os.kill(server.pid, signal.SIGKILL)
    assert process.wait_until(lambda: server.pid is None, WAIT)
    assert server.start(WAIT).answers()


def test_death_at_start_shows_the_log(make: Make) -> None:
    """A server that ends while it starts says why, and only of this start."""
    server = make(DIES)
    server.folder.mkdir()
    server.log.write_text("of an earlier run\n")
    with pytest.raises(StartFailed, match="out of luck") as failed:
        server.start(WAIT)
    assert "earlier" not in str(failed.value)


def test_silent_server_is_given_up(make: Make) -> None:
    """A server that does not answer in time is not left running."""
    server = make(SILENT)
    with pytest.raises(StartFailed, match="did not answer"):
        server.start(timeout=0.3)
    assert server.pid is None


def test_start_can_be_cancelled(make: Make) -> None:
    """A start that another thread waits for ends when it is cancelled, and leaves nothing."""
    server = make(SILENT)
    failures: list[str] = []

    def start() -> None:
        try:
            server.start(WAIT)
        except StartFailed as error:
            failures.append(str(error))

    thread = threading.Thread(target=start)
    thread.start()
    assert process.wait_until(lambda: server.pid is not None, WAIT)
    server.cancel()
    thread.join(WAIT)
    assert failures == ["the start of yes was cancelled"]
    assert server.pid is None


def test_taken_port_is_named(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program on the port is an error that names the port, not a start that hangs."""
    monkeypatch.setattr("servers.server.PORT_SECONDS", 0.1)
    server = make()
    with (
        socket.create_server((LOOPBACK, server.port)),
        pytest.raises(PortTaken, match=str(server.port)),
    ):
        server.start(WAIT)


def test_running_server_does_not_move(make: Make) -> None:
    """Asking for another port while it runs is refused, and it stays where it is."""
    server = make().start(WAIT)
    with pytest.raises(ServerError, match=f"runs on port {server.port}"):
        make(port=first_free_port(1)).start(WAIT)
    assert server.answers()


def test_log_is_bounded(make: Make) -> None:
    """A large log is moved aside at the next start."""
    server = make()
    server.folder.mkdir()
    server.log.write_bytes(b"x" * (LOG_BYTES_KEPT + 1))
    server.start(WAIT)
    assert server.log.read_text() == "listening\n"
    assert server.log.with_suffix(".log.old").stat().st_size == LOG_BYTES_KEPT + 1


def test_discard_keeps_the_class_archive(make: Make, tmp_path: Path) -> None:
    """The first discarded server stops in order, and its class archive is kept."""
    server = make().start(WAIT)
    (server.folder / "classes.jsa").write_text("classes")
    server.discard()
    assert (tmp_path / "cache" / "kept.jsa").read_text() == "classes"
    server.start(WAIT).discard()
    assert server.pid is None
