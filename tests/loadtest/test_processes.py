"""What a run starts, it stops; and where it cannot, it ends all the same."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtest.processes import ProgramFailed, Programs
from servers.process import is_running, wait_until_gone

WAIT_SECONDS = 60.0
NOBODY = {"MINGLE_CASSANDRA_PORT": "1", "MINGLE_KAFKA_BOOTSTRAP": "127.0.0.1:1"}
KILLED = """
import sys, time
from pathlib import Path
from loadtest.processes import Programs
program = Programs({"MINGLE_CASSANDRA_PORT": "1"}, Path(sys.argv[1])).start(
    "api", "api", port_setting="MINGLE_API_PORT"
)
print(program.process.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Programs]:
    started = Programs(NOBODY, tmp_path)
    yield started
    started.stop(started.running())


def test_what_was_started_is_stopped(programs: Programs) -> None:
    """It is forgotten then; its output is in a log of its name."""
    api = programs.start("api", "api", port_setting="MINGLE_API_PORT")
    api.check_running()
    assert programs.running("a") == [api]
    assert programs.running("b") == []
    assert api.log.exists()
    programs.stop(programs.running())
    assert api.process.poll() is not None
    assert programs.running() == []


def test_a_run_that_is_killed_leaves_nothing(tmp_path: Path) -> None:
    """Even after SIGKILL, which the process itself cannot handle."""
    run = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert run.stdout is not None
    pid = int(run.stdout.readline())
    assert is_running(pid, "mingle")
    run.kill()
    run.wait(WAIT_SECONDS)
    run.stdout.close()
    assert wait_until_gone(pid, "mingle", WAIT_SECONDS)


def test_a_program_that_ended_is_reported_with_its_log(programs: Programs) -> None:
    """It should have kept running."""
    wrong = programs.start("worker", "worker", "--role", "baker", port_setting="MINGLE_API_PORT")
    wrong.process.wait(WAIT_SECONDS)
    with pytest.raises(ProgramFailed, match=r"worker ended with 2: see .*worker\.log"):
        wrong.check_running()


def test_a_command_that_fails_is_reported_in_its_words(programs: Programs) -> None:
    """No broker answers there."""
    with pytest.raises(ProgramFailed, match=r"mingle topics check: .*MINGLE_KAFKA_BOOTSTRAP"):
        programs.run("topics", "check")
