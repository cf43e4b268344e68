"""What processes take of the machine."""

import os
import socket
import sys
from pathlib import Path

import pytest

from loadtest.machine import busy_seconds, describe_machine, listening_pid, usage

pytestmark = pytest.mark.skipif(not Path("/proc/self").exists(), reason="Linux tells it in /proc")


def test_cpu_and_memory_of_this_process() -> None:
    """Both are above zero; the CPU of several processes is their sum."""
    used = usage(os.getpid())
    assert used is not None
    assert used.cpu_seconds > 0
    assert used.rss_max_bytes > 2**20
    twice = usage(os.getpid(), os.getpid(), None)
    assert twice is not None
    assert twice.cpu_seconds >= 2 * used.cpu_seconds


def test_the_whole_machine_is_at_least_this_process() -> None:
    """All cores together."""
    used, busy = usage(os.getpid()), busy_seconds()
    assert used is not None
    assert busy is not None
    assert busy > used.cpu_seconds / 2


def test_nothing_is_known_of_what_is_not_there() -> None:
    """None, not zero."""
    assert usage(None) is None
    assert usage(2**22 + 1) is None


def test_the_process_that_listens_on_a_port_is_found() -> None:
    """It is this process, and nobody before it listens."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
        assert listening_pid(port) is None
        server.listen()
        assert listening_pid(port) == os.getpid()


def test_the_machine_is_described_with_versions() -> None:
    """Including the versions of the servers."""
    machine = describe_machine(cassandra="5.0.4")
    assert machine["cores"] == os.cpu_count()
    assert machine["versions"]["cassandra"] == "5.0.4"
    assert machine["versions"]["python"] == ".".join(map(str, sys.version_info[:3]))
