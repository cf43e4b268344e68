"""Starts, probes and stops a server's process."""

import os
import signal
import threading
import time
from functools import partial
from pathlib import Path
from typing import Protocol, Self

from servers import process
from servers.errors import PortTaken, ServerError, StartFailed, StopFailed
from servers.lock import locked
from servers.ports import LOOPBACK, is_free
from servers.recipe import Recipe

START_SECONDS = 180
"""Without downloads, a slow machine needs a tenth of it."""
STOP_SECONDS = 30
KILL_SECONDS = 10
PORT_SECONDS = 2
"""How long a crashed process may take to release its ports."""
PROBE_SECONDS = 3
POLL_SECONDS = 0.1

LOG_BYTES_KEPT = 16 * 2**20
"""A larger log is moved aside at the next start, over the one moved aside before."""
TAIL_BYTES = 2_000


class Reachable(Protocol):
    """A server that clients can reach."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def address(self) -> str:
        """`host:port`, as clients take it."""
        ...


class Server:
    """A server, identified by its folder: any process of the same user may probe or stop it.

    `start`, `stop` and `kill` return when that is done, and do nothing where it is done already.
    Between `pause` and `resume` the process is frozen: it keeps its connections and answers
    nothing. `kill` is a crash, `stop` lets it finish.
    """

    host = LOOPBACK

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self.name = recipe.name
        self.port = recipe.config.port
        self.folder: Path = recipe.folder
        self.log: Path = recipe.folder / "server.log"
        self._record = recipe.folder / "pid"
        self._mark = f"@{recipe.arguments}"
        self._guard: process.Guard | None = None
        self._cancelled = threading.Event()
        self._log_begins = 0

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def pid(self) -> int | None:
        """The process id while the server runs, frozen or not."""
        record = self._running()
        return record.pid if record else None

    def answers(self, timeout: float = PROBE_SECONDS) -> bool:
        """Whether a client gets an answer from it, not only a connection."""
        return self.pid is not None and self._recipe.answers(timeout)

    def start(self, timeout: float = START_SECONDS) -> Self:
        """Start the server and wait until it answers.

        Raises PortTaken, StartFailed, ToolMissing or DownloadFailed; then it does not run.
        """
        self._cancelled.clear()
        self.folder.mkdir(parents=True, exist_ok=True)
        with locked(self.folder / "lock", timeout):
            running = self._running()
            if running is None:
                self._launch()
            elif running.port != self.port:
                raise ServerError(f"{self.name} runs on port {running.port}: stop it first")
            try:
                self._await_answer(timeout)
            except BaseException:
                if running is None:
                    self.kill()
                raise
        return self

    def cancel(self) -> None:
        """Make a start in another thread fail now."""
        self._cancelled.set()

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        """Ask it to end, and kill it after the timeout."""
        record = self._running()
        if record:
            # A frozen process receives no signal before it is resumed.
            process.send_signal(record.pid, self._mark, signal.SIGTERM, signal.SIGCONT)
            if process.wait_until_gone(record.pid, self._mark, timeout):
                self._recipe.archive().keep()
        self.kill()

    def kill(self) -> None:
        record = self._running()
        if record:
            process.send_signal(record.pid, self._mark, signal.SIGKILL)
            if not process.wait_until_gone(record.pid, self._mark, KILL_SECONDS):
                raise StopFailed(f"{self.name} (process {record.pid}) outlives SIGKILL")
        if self._guard:
            self._guard.release()
            self._guard = None
        self._record.unlink(missing_ok=True)

    def pause(self) -> None:
        self._send(signal.SIGSTOP)

    def resume(self) -> None:
        self._send(signal.SIGCONT)

    def restart(self, timeout: float = START_SECONDS) -> Self:
        self.stop()
        return self.start(timeout)

    def discard(self) -> None:
        """End it as fast as possible: nobody needs its data any more.

        It is killed, except where an orderly stop would write the missing class archive.
        """
        if self.pid is not None and self._recipe.archive().missing:
            self.stop()
        else:
            self.kill()

    def _running(self) -> process.ProcessRecord | None:
        record = process.read_process_record(self._record)
        return record if record and process.is_running(record.pid, self._mark) else None

    def _launch(self) -> None:
        for port in self._recipe.ports():
            if not process.wait_until(partial(is_free, port), PORT_SECONDS):
                raise PortTaken(f"{self.name} needs port {port}, where another program listens")
        command = self._recipe.prepare()
        self._log_begins = self._bound_log()
        pid = process.spawn(command, os.environ, self.log)
        if self._recipe.config.ephemeral:
            self._guard = process.Guard(pid)
        process.write_process_record(self._record, process.ProcessRecord(pid, self.port))

    def _await_answer(self, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while not self._recipe.answers(PROBE_SECONDS):
            if self.pid is None:
                raise StartFailed(f"{self.name} ended while it started.\n{self._tail()}")
            if time.monotonic() > deadline:
                raise StartFailed(f"{self.name} did not answer in {timeout} s.\n{self._tail()}")
            if self._cancelled.wait(POLL_SECONDS):
                raise StartFailed(f"the start of {self.name} was cancelled")

    def _send(self, number: signal.Signals) -> None:
        record = self._running()
        if record is None:
            raise ServerError(f"{self.name} is not running")
        process.send_signal(record.pid, self._mark, number)

    def _bound_log(self) -> int:
        """Bound the log; return where this run's part of it begins."""
        size = self.log.stat().st_size if self.log.exists() else 0
        if size <= LOG_BYTES_KEPT:
            return size
        self.log.replace(self.log.with_suffix(".log.old"))
        return 0

    def _tail(self) -> str:
        written = self.log.read_bytes()[self._log_begins :] if self.log.exists() else b""
        return f"The end of {self.log}:\n{written[-TAIL_BYTES:].decode(errors='replace')}"
