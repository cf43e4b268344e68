"""The programs of Prometheus, which `make` builds when the first test asks for one.

A build from nothing takes minutes: other tests run meanwhile, and those that need no such program
do not wait for it.
"""

import subprocess
from pathlib import Path

import pytest

from servers.lock import locked

ROOT = Path(__file__).parents[1]
BUILD_SECONDS = 1_200.0


def program(name: str) -> Path:
    """Return the path of `promtool` or `prometheus`; skip the test where it cannot be built."""
    path = ROOT / ".tools" / name
    with locked(path.with_suffix(".lock"), BUILD_SECONDS):
        made = subprocess.run(
            ["make", "--silent", f".tools/{name}"],
            cwd=ROOT, capture_output=True, text=True, check=False, timeout=BUILD_SECONDS,
        )  # fmt: skip
    if not path.exists():
        pytest.skip(f"{name} is not built, which needs Go: {made.stderr.strip()[-200:]}")
    return path
