"""Clients of HTTP that send what no library would, over plain sockets."""

import re
import socket
from collections.abc import Iterable

PATIENCE = 20.0
"""Seconds for whatever a server is to do at once; a slow machine is no failure."""
LIVE = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
BLOCK = 64 << 10


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), PATIENCE)


def statuses(received: bytes) -> list[int]:
    return [int(each) for each in re.findall(rb"HTTP/1\.1 (\d{3}) ", received)]


def ask(port: int, sent: bytes) -> list[int]:
    """Send everything, and return the statuses of all answers until the server closes."""
    with connect(port) as client:
        client.sendall(sent)
        return statuses(read_all(client))


def read_all(client: socket.socket) -> bytes:
    received = b""
    while data := client.recv(BLOCK):
        received += data
    return received


def is_live(port: int) -> bool:
    """Whether a new client is served."""
    try:
        return ask(port, LIVE.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")) == [200]
    except OSError:
        return False


def pour(port: int, head: bytes, block: bytes, most: int) -> int:
    """Send the block over and over until the server cuts it off; return the bytes it let pass.

    `most` bytes are sent at most, to a server that cuts nothing off.
    """
    sent = 0
    with connect(port) as client:
        client.sendall(head)
        try:
            while sent < most:
                client.sendall(block)
                sent += len(block)
        except OSError:
            pass
    return sent


def hold(port: int, count: int, sent: bytes) -> list[socket.socket]:
    """Open so many connections, send this on each, and keep them all."""
    held: list[socket.socket] = []
    for _ in range(count):
        try:
            held.append(connect(port))
            held[-1].sendall(sent)
        except OSError:
            break
    return held


def close_all(clients: Iterable[socket.socket]) -> None:
    for each in clients:
        each.close()
