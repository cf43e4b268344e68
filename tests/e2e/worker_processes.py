"""Workers that are started again whenever they end, as a supervisor of pods would do."""

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.e2e.faults import Journal
from tests.e2e.pipeline import Pipeline

LOOK_SECONDS = 0.5
WAIT_SECONDS = 60.0


class WorkerProcesses:
    """Starts workers when its context is entered; while it is open, a thread looks after them.

    It keeps the most memory (bytes) and the most open files that any of them has had.
    """

    def __init__(self, pipeline: Pipeline, plans: Mapping[str, Mapping[str, Any]]) -> None:
        """What each worker is given, by its name; see `Pipeline.start_faulty_worker`."""
        self.rss = self.files = 0
        self.ended: Counter[tuple[str, int]] = Counter()
        """Those that ended by themselves: their names and exit codes."""
        self.journals: dict[str, Journal] = {}
        self._pipeline = pipeline
        self._plans = plans
        self._lock = threading.RLock()
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._look_after, name="workers")

    def __enter__(self) -> Self:
        for name in self._plans:
            self._start(name)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._leaving.set()
        self._thread.join(WAIT_SECONDS)
        assert not self._thread.is_alive()

    @property
    def names(self) -> list[str]:
        return list(self._plans)

    def kill(self, name: str) -> bool:
        """SIGKILL, and another of that name at once; whether it was that what ended it."""
        with self._lock:
            code = self._pipeline.kill(name)
            self._start(name)
        return code == -signal.SIGKILL

    def freeze(self, name: str, over: Callable[[], bool]) -> bool:
        """SIGSTOP until it is over; whether it stood still all along."""
        with self._lock:
            pid = self._pipeline.workers[name].pid
            os.kill(pid, signal.SIGSTOP)
        try:
            deadline = time.monotonic() + WAIT_SECONDS
            while not (is_over := over()) and time.monotonic() < deadline:
                time.sleep(LOOK_SECONDS)
            return is_over and is_stopped(pid)
        finally:
            os.kill(pid, signal.SIGCONT)

    def _start(self, name: str) -> None:
        self.journals[name] = self._pipeline.start_faulty_worker(name, **self._plans[name])

    def _look_after(self) -> None:
        while not self._leaving.wait(LOOK_SECONDS):
            with self._lock:
                for name in self._plans:
                    self._look_at(name)

    def _look_at(self, name: str) -> None:
        worker = self._pipeline.workers[name]
        code = worker.poll()
        if code is None:
            self.rss = max(self.rss, rss_of(worker.pid))
            self.files = max(self.files, files_of(worker.pid))
        else:
            self.ended[name, code] += 1
            self._start(name)


def is_stopped(pid: int) -> bool:
    """Whether a process is frozen."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def rss_of(pid: int) -> int:
    """The most memory that a process has had resident, in bytes; 0 of one that has ended."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1_024
    return 0


def files_of(pid: int) -> int:
    """How many files, sockets and pipes a process has open."""
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
