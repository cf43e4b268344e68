"""The proxy does to bytes what it says, and nothing to others."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.faults.proxy import HOST, Proxy

WAIT_SECONDS = 10.0
SILENCE_SECONDS = 0.2


class Echo:
    """Answers what it reads with the same, and remembers it."""

    def __init__(self) -> None:
        self.heard = b""
        self._listener = socket.create_server((HOST, 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def hears(self, data: bytes) -> bool:
        """Whether it has read exactly that, soon."""
        deadline = time.monotonic() + WAIT_SECONDS
        while len(self.heard) < len(data) and time.monotonic() < deadline:
            time.sleep(0.01)
        return self.heard == data

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(client,), daemon=True).start()

    def _answer(self, client: socket.socket) -> None:
        with client:
            try:
                while data := client.recv(1 << 16):
                    self.heard += data
                    client.sendall(data)
            except ConnectionError:
                return


@pytest.fixture
def echo() -> Iterator[Echo]:
    echo = Echo()
    yield echo
    echo.close()


@pytest.fixture
def proxy(echo: Echo) -> Iterator[Proxy]:
    with Proxy(echo.port) as proxy:
        yield proxy


@pytest.fixture
def client(proxy: Proxy) -> Iterator[socket.socket]:
    with connected(proxy) as client:
        yield client


def connected(proxy: Proxy) -> socket.socket:
    return socket.create_connection((HOST, proxy.port), WAIT_SECONDS)


def connect_and_listen(proxy: Proxy) -> None:
    with connected(proxy) as client:
        client.recv(1)


def said(client: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = client.recv(count - len(data))
        assert more, "ended"
        data += more
    return data


def says_nothing(client: socket.socket) -> bool:
    client.settimeout(SILENCE_SECONDS)
    try:
        client.recv(1)
    except TimeoutError:
        return True
    finally:
        client.settimeout(WAIT_SECONDS)
    return False


def test_everything_passes(client: socket.socket) -> None:
    """Megabytes of it, in order, both ways."""
    data = bytes(range(256)) * (16 << 10)
    threading.Thread(target=client.sendall, args=(data,), daemon=True).start()
    assert said(client, len(data)) == data


def test_who_ends_a_link_ends_it_for_both(proxy: Proxy, client: socket.socket) -> None:
    """After what was said before the end."""
    client.sendall(b"last words")
    client.shutdown(socket.SHUT_WR)
    deadline = time.monotonic() + WAIT_SECONDS
    while proxy.links and time.monotonic() < deadline:
        time.sleep(0.01)
    assert proxy.links == 0
    assert proxy.weather.broken == 0


def test_slow_is_late_and_not_less(proxy: Proxy, client: socket.socket) -> None:
    """Each byte takes as long, and none waits for the answer to another."""
    with proxy.slow(requests=0.1, answers=0.2):
        begun = time.monotonic()
        for letter in b"abcdefghij":
            client.sendall(bytes([letter]))
        assert said(client, 10) == b"abcdefghij"
        assert 0.3 <= time.monotonic() - begun < 2.9  # one after the other: three seconds
    assert proxy.weather.delayed > 1


def test_what_is_swallowed_was_heard(proxy: Proxy, echo: Echo, client: socket.socket) -> None:
    """The client learns nothing; a link that lost something ends, others do not."""
    with connected(proxy) as other:
        other.sendall(b"!")
        assert said(other, 1) == b"!"
        with proxy.swallowing():
            client.sendall(b"write this")
            assert echo.hears(b"!write this")
            assert says_nothing(client)
        assert proxy.weather.lost == len(b"write this")
        with pytest.raises(ConnectionResetError):
            client.recv(1)
        other.sendall(b"?")
        assert said(other, 1) == b"?"


def test_silence_ends_with_what_was_held(proxy: Proxy, echo: Echo, client: socket.socket) -> None:
    """Half open: nobody is told anything, and new links are made."""
    with proxy.silent():
        client.sendall(b"a")
        assert says_nothing(client)
        with connected(proxy):
            pass
        assert echo.heard == b""
    assert said(client, 1) == b"a"
    assert proxy.weather.halted > 0


def test_gone_is_an_error_for_all(proxy: Proxy, client: socket.socket) -> None:
    """Until it is back, on the same port."""
    client.sendall(b"a")
    assert said(client, 1) == b"a"
    with proxy.gone():
        with pytest.raises(ConnectionResetError):
            client.recv(1)
        with pytest.raises(ConnectionResetError):
            connect_and_listen(proxy)
        assert proxy.weather.refused == 1
    with connected(proxy) as back:
        back.sendall(b"b")
        assert said(back, 1) == b"b"


def test_a_server_that_is_away_refuses(echo: Echo) -> None:
    """Whoever connects is told at once."""
    with socket.create_server((HOST, 0)) as closed:
        port = closed.getsockname()[1]
    with Proxy(port) as proxy, pytest.raises(ConnectionResetError):
        connect_and_listen(proxy)


def test_a_cut_is_an_orderly_end(proxy: Proxy, client: socket.socket) -> None:
    client.sendall(b"a")
    assert said(client, 1) == b"a"
    proxy.cut()
    assert client.recv(1) == b""
    assert proxy.weather.broken == 1


def test_a_link_breaks_in_the_middle_of_a_request(
    proxy: Proxy, echo: Echo, client: socket.socket
) -> None:
    """What came before is with the server; the next link has a budget of its own."""
    budgets = iter([7, 1_000])
    with proxy.breaking_after(lambda: next(budgets)):
        client.sendall(b"write ")
        assert said(client, 6) == b"write "
        client.sendall(b"this")
        assert echo.hears(b"write t")
        with pytest.raises(ConnectionResetError):
            said(client, 8)
        with connected(proxy) as second:
            second.sendall(b"and this")
            assert said(second, 8) == b"and this"
    assert proxy.weather.broken == 1
