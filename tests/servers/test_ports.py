"""Ports are taken only when nobody listens on them."""

import socket
from collections.abc import Iterator

import pytest

from servers.ports import FREE_RANGE, LOOPBACK, first_free_port, is_free, listens


@pytest.fixture
def listener() -> Iterator[int]:
    with socket.create_server((LOOPBACK, 0)) as server:
        yield server.getsockname()[1]


def test_taken_port_is_not_free(listener: int) -> None:
    """A port with a listener is not free, and accepts connections."""
    assert not is_free(listener)
    assert listens(listener, timeout=5)


def test_free_run_can_be_bound() -> None:
    """All ports of a run are free and below the ephemeral ports."""
    first = first_free_port(3)
    assert first in FREE_RANGE
    assert all(is_free(port) for port in range(first, first + 3))
    assert not listens(first, timeout=5)


def test_free_run_skips_taken_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that contains a taken port is skipped."""
    first = first_free_port(4)
    choices = iter([first, first + 2])
    monkeypatch.setattr("servers.ports._chance.choice", lambda _: next(choices))
    with socket.create_server((LOOPBACK, first + 1)):
        assert first_free_port(2) == first + 2


def test_free_run_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing is free the search ends with an error."""
    monkeypatch.setattr("servers.ports.is_free", lambda _: False)
    with pytest.raises(OSError, match="no 3 consecutive free ports"):
        first_free_port(3)
