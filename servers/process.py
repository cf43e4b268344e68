"""Processes that outlive their starter, known by a file with their id.

The id alone is not enough: another program may have it by now. A process counts as ours only while
its command line contains a mark, which is a path in the server's own folder.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

POLL_SECONDS = 0.05
PS_SECONDS = 10
EXEC_SECONDS = 5


class ProcessRecord(NamedTuple):
    """Content of a running server's file."""

    pid: int
    port: int


def write_process_record(path: Path, record: ProcessRecord) -> None:
    temporary = path.with_name(f"{path.name}.new")
    temporary.write_text(f"{record.pid} {record.port}\n")
    temporary.replace(path)


def read_process_record(path: Path) -> ProcessRecord | None:
    """Return the record, or None if none can be read."""
    try:
        pid, port = path.read_text().split()
        return ProcessRecord(int(pid), int(port))
    except (FileNotFoundError, ValueError):
        return None


def spawn(command: Sequence[str], environment: Mapping[str, str], log: Path) -> int:
    """Start a process that appends to the log, in a session of its own, so without Ctrl-C.

    Return its id once its arguments are visible, which is a moment after it exists.
    """
    output = (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    nothing = (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)
    pid = os.posix_spawn(
        command[0],
        list(command),
        dict(environment),
        file_actions=(nothing, output, (os.POSIX_SPAWN_DUP2, 1, 2)),
        setsid=True,
    )
    wait_until(lambda: command[-1] in _command_line(pid) or _has_ended(pid), EXEC_SECONDS)
    return pid


def is_running(pid: int, mark: str) -> bool:
    """Whether the process exists, has not ended, and has the mark among its arguments."""
    return mark in _command_line(pid)


def send_signal(pid: int, mark: str, *signals: signal.Signals) -> None:
    """Send the signals if the process still exists and is ours."""
    for number in signals:
        if not is_running(pid, mark):
            return
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return


def wait_until_gone(pid: int, mark: str, timeout: float) -> bool:
    """Wait until our process has released its files and ports; return False after the timeout."""

    def ended() -> bool:
        command = _command_line(pid)
        return mark not in command if command else _has_ended(pid)

    return wait_until(ended, timeout)


def wait_until(condition: Callable[[], bool], timeout: float) -> bool:
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _command_line(pid: int) -> str:
    """Return the arguments, each ended by a zero byte; empty for a process that has ended."""
    if Path("/proc/self").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return ""
    listed = subprocess.run(  # noqa: S603 - our own arguments
        ["ps", "-ww", "-o", "command=", "-p", str(pid)],  # noqa: S607 - systems without /proc
        capture_output=True,
        text=True,
        timeout=PS_SECONDS,
        check=False,
    )
    return listed.stdout


def _has_ended(pid: int) -> bool:
    """Whether a process without visible arguments has ended, rather than being about to.

    An ending process loses its arguments before its files and ports. A child is reaped here, so
    that it does not stay as a zombie.
    """
    try:
        return os.waitpid(pid, os.WNOHANG) != (0, 0)
    except ChildProcessError:
        return _zombie_or_missing(pid)


def _zombie_or_missing(pid: int) -> bool:
    process = Path(f"/proc/{pid}")
    try:
        state = (process / "stat").read_text().rpartition(")")[2].split()[0]
        return state == "Z" and len(list((process / "task").iterdir())) == 1
    except (FileNotFoundError, ProcessLookupError):
        return True


class Guard:
    """Kills a process when the one that started it ends, however that happens.

    A shell waits for a line from a pipe whose other end only this process holds: a line ends the
    guard, an end of file means that this process is gone.
    """

    def __init__(self, pid: int) -> None:
        reading, self._writing = os.pipe()
        self._shell = os.posix_spawn(
            "/bin/sh",
            ["sh", "-c", f"read -r line || kill -9 {pid}"],
            {},
            file_actions=((os.POSIX_SPAWN_DUP2, reading, 0),),
            setsid=True,
        )
        os.close(reading)

    def release(self) -> None:
        """Stop guarding the process."""
        os.write(self._writing, b"release\n")
        os.close(self._writing)
        os.waitpid(self._shell, 0)
