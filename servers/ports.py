"""Finds free ports."""

import random
import socket

LOOPBACK = "127.0.0.1"

FREE_RANGE = range(20_000, 32_000)
"""Range of free ports, below the ephemeral ports of outgoing connections, so that none of those
takes the port of a server that is restarting."""

ATTEMPTS = 100

_chance = random.SystemRandom()
"""Unlike `random`, it has no seed: processes that were given the same one look in other places."""


def is_free(port: int) -> bool:
    """Whether nothing listens on a loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def first_free_port(length: int) -> int:
    """Return the first of `length` consecutive free ports, chosen at random. Raises OSError."""
    for _ in range(ATTEMPTS):
        first = _chance.choice(FREE_RANGE)
        if all(is_free(first + step) for step in range(length)):
            return first
    raise OSError(f"no {length} consecutive free ports found in {FREE_RANGE}")


def listens(port: int, timeout: float) -> bool:
    """Whether a connection to a loopback port succeeds within the timeout."""
    try:
        socket.create_connection((LOOPBACK, port), timeout).close()
    except OSError:
        return False
    return True
