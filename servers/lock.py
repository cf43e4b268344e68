"""A lock between processes that ends with the process that holds it."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from servers.errors import ServerError

POLL_SECONDS = 0.1


@contextmanager
def locked(path: Path, timeout: float) -> Iterator[None]:
    """Hold a lock on a file, which is created and stays. Raises ServerError after the timeout."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        deadline = time.monotonic() + timeout
        while not _try_lock(file.fileno()):
            if time.monotonic() > deadline:
                raise ServerError(f"another process has held {path} for {timeout:.0f} s")
            time.sleep(POLL_SECONDS)
        yield


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
