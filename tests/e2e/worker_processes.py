"""Workers that are started again whenever they end, as a supervisor of pods would do."""

import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from servers.process import wait_until
from tests.e2e.background import BackgroundThread
from tests.e2e.faults import Journal
from tests.e2e.pipeline import Pipeline, memory_of

LOOK_SECONDS = 0.5
WAIT_SECONDS = 60.0


class WorkerProcesses(BackgroundThread):
    """Starts workers when its context is entered, and looks after them while it is open.

    It keeps the most memory (bytes) and the most open files that any of them has had.
    """

    def __init__(self, pipeline: Pipeline, plans: Mapping[str, Mapping[str, Any]]) -> None:
        """What each worker is given, by its name; see `Pipeline.start_faulty_worker`."""
        super().__init__()
        self.rss = self.files = 0
        self.ended: Counter[tuple[str, int]] = Counter()
        """Those that ended by themselves: their names and exit codes."""
        self.journals: dict[str, Journal] = {}
        self._pipeline = pipeline
        self._plans = plans
        self._lock = threading.RLock()

    def __enter__(self) -> Self:
        for name in self._plans:
            self._start(name)
        return super().__enter__()

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
            return wait_until(over, WAIT_SECONDS) and is_stopped(pid)
        finally:
            os.kill(pid, signal.SIGCONT)

    def _start(self, name: str) -> None:
        self.journals[name] = self._pipeline.start_faulty_worker(name, **self._plans[name])

    def work(self) -> None:
        while not self.leaving.wait(LOOK_SECONDS):
            with self._lock:
                for name in self._plans:
                    self._look_at(name)

    def _look_at(self, name: str) -> None:
        worker = self._pipeline.workers[name]
        code = worker.poll()
        if code is None:
            self.rss = max(self.rss, memory_of(worker.pid, "VmHWM"))
            self.files = max(self.files, files_of(worker.pid))
        else:
            self.ended[name, code] += 1
            self._start(name)


def is_stopped(pid: int) -> bool:
    """Whether a process is frozen."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def files_of(pid: int) -> int:
    """How many files, sockets and pipes a process has open."""
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
