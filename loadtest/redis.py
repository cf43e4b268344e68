"""Writes the same entries to Redis, as Mastodon keeps home feeds, for comparison.

A sorted set for each user, trimmed to 800 after each entry, in pipelines of 1,000 commands.
Measured only where Redis or Valkey is installed; nothing is downloaded.
"""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice

from loadtest.expected import Entries
from servers.ports import LOOPBACK, first_free_port, listens
from servers.process import Guard, wait_until

PROGRAMS = ("redis-server", "valkey-server")
KEPT = 800
"""Entries of a feed, Mastodon's own bound."""
PIPELINE = 1_000
"""Commands that are sent before their answers are read."""
SECONDS = 8.0
"""The figure is steady after one."""
START_SECONDS = 10.0
ANSWER_SECONDS = 10.0


class RedisFailed(RuntimeError):
    """Redis did not start, or refused a command."""


def program() -> str | None:
    """Return the path of an installed server, or None."""
    return next((found for each in PROGRAMS if (found := shutil.which(each))), None)


@contextmanager
def run_redis(server: str) -> Iterator[int]:
    """Run a server that keeps everything in memory; yield its port."""
    port = first_free_port(1)
    command = [server, "--port", str(port), "--bind", LOOPBACK, "--save", "", "--appendonly", "no"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603 - our own arguments
    guard = Guard(process.pid)
    try:
        wait_until(lambda: listens(port, 1) or process.poll() is not None, START_SECONDS)
        if not listens(port, 1):
            raise RedisFailed(f"{server} does not listen on {port}")
        yield port
    finally:
        process.kill()
        process.wait(ANSWER_SECONDS)
        guard.release()


def redis_rate(port: int, entries: Iterable[Entries]) -> float:
    """Write entries for some seconds at most; return entries per second. Raises RedisFailed."""
    pairs = (
        pair
        for each in entries
        for pair in zip(each.users.tolist(), each.posts.tolist(), strict=True)
    )
    written = 0
    began = time.monotonic()
    with socket.create_connection((LOOPBACK, port), ANSWER_SECONDS) as connection:
        answers = connection.makefile("rb")
        while time.monotonic() - began < SECONDS:
            batch = list(islice(pairs, PIPELINE // 2))
            if not batch:
                break
            connection.sendall(b"".join(redis_commands(user, post) for user, post in batch))
            for _ in range(2 * len(batch)):
                answer = answers.readline()
                if not answer.startswith(b":"):
                    raise RedisFailed(answer.decode(errors="replace").strip() or "no answer")
            written += len(batch)
    return written / (time.monotonic() - began)


def redis_commands(user: int, post: int) -> bytes:
    """Return commands that add an entry and trim the feed."""
    key, member = f"feed:home:{user}".encode(), str(post).encode()
    add = _command(b"ZADD", key, member, member)
    return add + _command(b"ZREMRANGEBYRANK", key, b"0", b"%d" % -(KEPT + 1))


def _command(*words: bytes) -> bytes:
    parts = b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)
    return b"*%d\r\n%s" % (len(words), parts)
