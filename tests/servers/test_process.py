"""A process is ours only while it runs and carries our mark."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from servers import process
from servers.process import Guard, ProcessRecord

WAIT = 20
READY = "import signal, sys; print('ready', flush=True); signal.pause()"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);" + READY

Spawn = Callable[..., int]


@pytest.fixture
def mark(tmp_path: Path) -> str:
    return f"@{tmp_path}/arguments"


@pytest.fixture
def spawn(tmp_path: Path, mark: str) -> Iterator[Spawn]:
    """Starts a process that prints a line and then waits for a signal."""
    started: list[tuple[int, str]] = []

    def start(code: str = READY, mark: str = mark) -> int:
        log = tmp_path / f"log-{len(started)}"
        pid = process.spawn([sys.executable, "-c", code, mark], os.environ, log)
        started.append((pid, mark))
        assert process.wait_until(lambda: log.exists() and "ready" in log.read_text(), WAIT)
        return pid

    yield start
    for pid, its_mark in started:
        process.send_signal(pid, its_mark, signal.SIGKILL)
        assert process.wait_until_gone(pid, its_mark, WAIT)


def test_spawned_process_has_a_session_of_its_own(spawn: Spawn, mark: str) -> None:
    """No Ctrl-C in our terminal reaches it, and its mark shows at once."""
    pid = spawn()
    assert process.is_running(pid, mark)
    assert os.getsid(pid) == pid


def test_reused_pid_is_not_ours(spawn: Spawn, mark: str) -> None:
    """A process id that another program has by now is never signalled, and ours counts as gone."""
    stranger = spawn(mark="@somebody/else")
    assert not process.is_running(stranger, mark)
    assert process.wait_until_gone(stranger, mark, WAIT)
    process.send_signal(stranger, mark, signal.SIGKILL)
    assert process.is_running(stranger, "@somebody/else")


def test_ended_process_is_gone(spawn: Spawn, mark: str) -> None:
    """It is gone once it has ended, and leaves no zombie."""
    pid = spawn()
    process.send_signal(pid, mark, signal.SIGTERM)
    assert process.wait_until_gone(pid, mark, WAIT)
    assert not process.is_running(pid, mark)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_stubborn_process_is_not_gone(spawn: Spawn, mark: str) -> None:
    """What ignores SIGTERM is still there at the timeout, but not after SIGKILL."""
    pid = spawn(STUBBORN)
    process.send_signal(pid, mark, signal.SIGTERM)
    assert not process.wait_until_gone(pid, mark, timeout=0.1)
    process.send_signal(pid, mark, signal.SIGKILL)
    assert process.wait_until_gone(pid, mark, WAIT)


def test_frozen_process_still_runs(spawn: Spawn, mark: str) -> None:
    """SIGSTOP ends nothing."""
    pid = spawn()
    process.send_signal(pid, mark, signal.SIGSTOP)
    assert process.is_running(pid, mark)


def test_record_survives(tmp_path: Path) -> None:
    """What was written is read, and replaced as a whole."""
    path = tmp_path / "pid"
    for record in (ProcessRecord(17, 9092), ProcessRecord(18, 9042)):
        process.write_process_record(path, record)
        assert process.read_process_record(path) == record
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("content", ["", "17", "seventeen 9092", "1 2 3"])
def test_unreadable_record_is_none(tmp_path: Path, content: str) -> None:
    """An unreadable file counts as no file."""
    path = tmp_path / "pid"
    path.write_text(content)
    assert process.read_process_record(path) is None
    assert process.read_process_record(tmp_path / "missing") is None


def test_guard_kills_when_its_owner_is_killed(spawn: Spawn, mark: str) -> None:
    """However the owner ends, the guarded process ends with it."""
    pid = spawn()
    code = f"from servers.process import Guard; guard = Guard({pid}); import signal;"
    with subprocess.Popen(
        [sys.executable, "-c", code + READY], stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout
        assert owner.stdout.readline() == "ready\n"
        assert process.is_running(pid, mark)
        owner.kill()
        assert process.wait_until_gone(pid, mark, WAIT)


def test_released_guard_kills_nothing(spawn: Spawn, mark: str) -> None:
    """A released guard leaves the process alone."""
    pid = spawn()
    Guard(pid).release()
    assert process.is_running(pid, mark)
