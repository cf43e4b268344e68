"""TLS in front of a server that speaks none: what a client does with a certificate is seen."""

import socket
import ssl
import threading
from contextlib import suppress
from typing import Self

HOST = "127.0.0.1"
CHUNK = 64 << 10
ACCEPT_SECONDS = 0.1
HANDSHAKE_SECONDS = 10.0


class TlsFront:
    """A context: outside of it nothing listens. Clients connect to `port`."""

    def __init__(self, target_port: int, context: ssl.SSLContext) -> None:
        self._target = target_port
        self._context = context
        self._listener = socket.create_server((HOST, 0))
        self._listener.settimeout(ACCEPT_SECONDS)
        self.port: int = self._listener.getsockname()[1]
        self._over = threading.Event()
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for each in (*self._sockets, self._listener):
            each.close()

    def _accept(self) -> None:
        while not self._over.is_set():
            with suppress(TimeoutError):
                client, _ = self._listener.accept()
                self._start(self._shake_hands, client)

    def _start(self, target: "object", *sockets: socket.socket) -> None:
        thread = threading.Thread(target=target, args=sockets)
        self._threads.append(thread)
        thread.start()

    def _shake_hands(self, client: socket.socket) -> None:
        inside = self._context.wrap_socket(client, server_side=True, do_handshake_on_connect=False)
        inside.settimeout(HANDSHAKE_SECONDS)
        self._sockets.append(inside)
        try:
            inside.do_handshake()
        except OSError:  # one of us does not trust the other, and has said so
            _drain(inside)
            return
        inside.settimeout(None)
        server = socket.create_connection((HOST, self._target))
        self._sockets.append(server)
        self._start(_pump, server, inside)
        _pump(inside, server)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(CHUNK):
            target.sendall(data)
    for each in (source, target):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


def _drain(refused: ssl.SSLSocket) -> None:
    """What lies unread when a socket closes makes a reset of it, which overtakes the reason."""
    with suppress(OSError), socket.socket(fileno=refused.detach()) as plain:
        plain.settimeout(HANDSHAKE_SECONDS)
        plain.shutdown(socket.SHUT_WR)
        while plain.recv(CHUNK):
            pass
