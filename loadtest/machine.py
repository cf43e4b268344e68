"""Describes the machine and what processes use of it, from Linux's /proc."""

import os
import platform
import re
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

PROC = Path("/proc")
LISTENING = "0A"
PACKAGES = ("faust-streaming", "aiokafka", "cassandra-driver", "confluent-kafka", "numpy", "uvloop")


class Usage(NamedTuple):
    """CPU seconds of some processes together, and the most memory that one has had."""

    cpu_seconds: float
    rss_max_bytes: int


def describe_machine(**versions: str) -> dict[str, Any]:
    """Return cores, memory, load and versions, with the given versions of servers."""
    return {
        "cores": os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": platform.platform(),
        "load_before": round(os.getloadavg()[0], 2),
        "versions": {"python": platform.python_version()}
        | {name: metadata.version(name) for name in PACKAGES}
        | versions,
    }


def busy_seconds() -> float | None:
    """Return the CPU seconds used since boot, all cores together; None without /proc."""
    try:
        ticks = [int(each) for each in (PROC / "stat").read_text().split("\n", 1)[0].split()[1:8]]
    except OSError:
        return None
    user, nice, system, _idle, _waiting, interrupts, soft = ticks
    return (user + nice + system + interrupts + soft) / os.sysconf("SC_CLK_TCK")


def usage(*pids: int | None) -> Usage | None:
    """Return the usage of the processes that run, or None if none does."""
    known = [each for pid in pids if pid is not None and (each := _usage(pid)) is not None]
    if not known:
        return None
    return Usage(sum(each.cpu_seconds for each in known), max(each.rss_max_bytes for each in known))


def _usage(pid: int) -> Usage | None:
    try:
        stat = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        status = (PROC / str(pid) / "status").read_text()
    except OSError:
        return None
    peak = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    ticks = int(stat[11]) + int(stat[12])  # user and system
    return Usage(ticks / os.sysconf("SC_CLK_TCK"), int(peak[1]) * 1024 if peak else 0)


def listening_pid(port: int) -> int | None:
    """Return the id of this user's process that listens on a port, or None."""
    sockets = {
        f"socket:[{inode}]"
        for name in ("tcp", "tcp6")
        for inode in _listening(PROC / "net" / name, port)
    }
    for process in PROC.glob("[0-9]*/fd") if sockets else ():
        try:
            if any(str(each.readlink()) in sockets for each in process.iterdir()):
                return int(process.parent.name)
        except OSError:  # another user's, or gone
            continue
    return None


def _listening(table: Path, port: int) -> list[str]:
    """Return the inodes of the sockets that listen on a port."""
    try:
        rows = [line.split() for line in table.read_text().splitlines()[1:]]
    except OSError:
        return []
    return [
        row[9] for row in rows if row[3] == LISTENING and int(row[1].rpartition(":")[2], 16) == port
    ]
