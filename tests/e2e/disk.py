"""A small disk of its own for a server, that can be filled."""

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CHUNKS = (1 << 20, 4_096)
"""Bytes of a write: many at first, then what is left."""


@contextmanager
def small_disk(place: Path, mebibytes: int) -> Iterator[Path]:
    """A tmpfs at this place. Skips the test where it may not be mounted."""
    place.mkdir(parents=True)
    told = ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "mingle-test", str(place)]
    done = subprocess.run(told, check=False, capture_output=True, text=True, timeout=30)
    if done.returncode:
        pytest.skip(f"may not mount a small disk: {done.stderr.strip()}")
    try:
        yield place
    finally:
        # Lazily: a process that has just been killed may still hold its files.
        subprocess.run(["umount", "--lazy", str(place)], check=True, timeout=30)


@contextmanager
def full(place: Path) -> Iterator[None]:
    """Not a byte is left on this disk, until the context is left."""
    ballast = place / "ballast"
    try:
        with ballast.open("wb", buffering=0) as file:
            for size in CHUNKS:
                _fill(file.fileno(), bytes(size))
        yield
    finally:
        ballast.unlink()


def _fill(file: int, chunk: bytes) -> None:
    try:
        while True:
            os.write(file, chunk)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
