"""What is sent to a Redis, where there is one: here a fake one answers."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

from loadtest import redis
from loadtest.expected import Entries


class Feeds(socketserver.BaseRequestHandler):
    """Records commands, and answers each with a number, ZADD of post 13 with an error."""

    commands: list[list[bytes]]

    def handle(self) -> None:
        file = self.request.makefile("rwb")
        while head := file.readline():
            words = []
            for _ in range(int(head[1:])):
                size = int(file.readline()[1:])
                words.append(file.read(size + 2)[:-2])
            self.commands.append(words)
            file.write(
                b"-WRONGTYPE no\r\n" if words[-1] == b"13" and words[0] == b"ZADD" else b":1\r\n"
            )
            with suppress(ConnectionError):  # whoever was refused has gone
                file.flush()


@pytest.fixture
def feeds() -> Iterator[tuple[int, list[list[bytes]]]]:
    handler: Any = type("Handler", (Feeds,), {"commands": []})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        yield server.server_address[1], handler.commands
        server.shutdown()
        serving.join(5)


def entries(*pairs: tuple[int, int]) -> Entries:
    return Entries(*np.array(pairs, np.int64).T)


def test_each_entry_is_added_and_its_feed_trimmed(feeds: tuple[int, list[list[bytes]]]) -> None:
    """In order, trimmed to the newest 800, in more than one pipeline."""
    port, commands = feeds
    many = entries(*((user, 1_000 + user) for user in range(1, 701)))
    assert redis.redis_rate(port, [entries((7, 99)), many]) > 0
    assert commands[0] == [b"ZADD", b"feed:home:7", b"99", b"99"]
    assert commands[1] == [b"ZREMRANGEBYRANK", b"feed:home:7", b"0", b"-801"]
    assert len(commands) == 2 * 701


def test_a_refusal_is_no_figure(feeds: tuple[int, list[list[bytes]]]) -> None:
    """It is reported in Redis's own words."""
    with pytest.raises(redis.RedisFailed, match="WRONGTYPE"):
        redis.redis_rate(feeds[0], [entries((7, 13))])
