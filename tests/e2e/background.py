"""Threads that work beside a test."""

import threading
from abc import ABC, abstractmethod
from typing import Self


class BackgroundThread(ABC):
    """Works while its context is open; what it raises fails the test, unless that fails anyway."""

    join_seconds = 120.0

    def __init__(self) -> None:
        self.leaving = threading.Event()
        self.failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=type(self).__name__)

    @abstractmethod
    def work(self) -> None:
        """Work until `leaving` is set."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self.leaving.set()
        self.join(self.join_seconds)
        assert not self._thread.is_alive()
        if error is None:
            assert self.failure is None, self.failure

    def join(self, seconds: float) -> None:
        """Wait so long for the end of the work."""
        self._thread.join(seconds)

    def _run(self) -> None:
        try:
            self.work()
        except BaseException as error:  # noqa: BLE001 - told to the test by __exit__
            self.failure = error
