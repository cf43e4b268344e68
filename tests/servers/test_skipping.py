"""Where real servers cannot run, their tests are skipped, and the last lines say so."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run_tests(*arguments: str, **environment: str) -> str:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_missing_tools_end_the_summary(tmp_path: Path) -> None:
    """With no Maven and no jars, the summary counts the skipped and says what to install."""
    output = run_tests(
        "tests/servers/test_real_servers.py",
        PATH=str(tmp_path),
        HOME=str(tmp_path),
        MINGLE_SERVERS_CACHE="",
        MINGLE_TEST_KAFKA="",
        MINGLE_TEST_CASSANDRA="",
    )
    *_, said, totals = output.splitlines()
    assert "skipped: " in said
    assert "install" in said
    assert totals.split()[0] == said.split()[0]


def test_the_summary_says_that_nothing_was_skipped() -> None:
    """Where all ran, the summary says that nothing was skipped."""
    assert "nothing skipped" in run_tests("tests/servers/test_ports.py").splitlines()[-2:]
