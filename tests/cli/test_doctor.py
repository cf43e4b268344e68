"""`mingle doctor` names what is wrong and what to do, and fails only for what is."""

import json
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from click.testing import CliRunner

from servers.server import Reachable
from streams.cli import main
from streams.kafka.group_status import GroupAdmin, GroupStatus, status_of_role
from streams.process import doctor

NOWHERE = {
    "MINGLE_KAFKA_BOOTSTRAP": "127.0.0.1:1",
    "MINGLE_CASSANDRA_PORT": "1",
    "MINGLE_API_PORT": "1",
    "MINGLE_METRICS_PORT": "1",
}


def examined(**environment: str) -> tuple[int, dict[str, Any]]:
    runner = CliRunner(env={**NOWHERE, **environment})
    result = runner.invoke(main, ["doctor", "--json"])
    return result.exit_code, {each["check"]: each for each in json.loads(result.output)}


def test_servers_that_are_away_are_failures() -> None:
    """Each with its address and advice; a check that could not run is not called failed."""
    code, found = examined()
    assert code == 1
    states = {check: each["state"] for check, each in found.items()}
    assert states == {
        "settings": "ok",
        "kafka": "failed",
        "topics": "skipped",
        "log": "skipped",
        "cassandra": "failed",
        "migrations": "skipped",
        "api": "skipped",
        "worker": "skipped",
    }
    assert "127.0.0.1:1" in found["kafka"]["what"]
    assert "MINGLE_KAFKA_BOOTSTRAP" in found["kafka"]["advice"]
    assert "127.0.0.1, port 1" in found["cassandra"]["what"]
    assert "MINGLE_CASSANDRA_HOSTS" in found["cassandra"]["advice"]


def test_what_is_no_setting_is_a_failure() -> None:
    """With the setting that was probably meant."""
    result = CliRunner(env={**NOWHERE, "MINGLE_API_PROT": "1"}).invoke(main, ["doctor", "--json"])
    (settings, *_) = json.loads(result.stdout)
    assert settings["state"] == "failed"
    assert "MINGLE_API_PROT" in settings["what"]
    assert "did you mean MINGLE_API_PORT?" in settings["what"]


def test_a_store_in_memory_needs_no_cassandra() -> None:
    """An unused part cannot fail."""
    _, found = examined(MINGLE_STORE="memory")
    assert found["cassandra"]["state"] == "skipped"


def test_findings_are_lines_for_people() -> None:
    """State, check and finding, and below it the advice."""
    result = CliRunner(env=NOWHERE).invoke(main, ["doctor"])
    assert result.exit_code == 1
    assert "ok      settings   every setting is as expected" in result.output
    assert "→ start Kafka (`make up`)" in result.output


def test_a_wrong_setting_comes_first() -> None:
    """Nothing else is checked: it would be checked in the wrong place."""
    result = CliRunner(env={"MINGLE_API_PORT": "x"}).invoke(main, ["doctor"])
    assert result.exit_code == 2
    assert result.output == "MINGLE_API_PORT: expected an integer from 0 to 65535\n"


class Unready(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(503)
        self.end_headers()
        self.wfile.write(b"posts is not assigned")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 http.server's name
        pass


@pytest.fixture
def unready() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Unready)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join(10)


def test_a_process_that_is_not_ready_is_a_failure(unready: int) -> None:
    """With its own answer."""
    _, found = examined(MINGLE_METRICS_PORT=str(unready))
    assert found["worker"]["state"] == "failed"
    assert "503 posts is not assigned" in found["worker"]["what"]


def test_servers_that_answer_are_checked_apart_from_their_content(
    kafka: Reachable, cassandra: Reachable
) -> None:
    """Reachable is one thing, topics and migrations another, each with its own command."""
    _, found = examined(
        MINGLE_KAFKA_BOOTSTRAP=kafka.address,
        MINGLE_CASSANDRA_PORT=str(cassandra.port),
        MINGLE_CASSANDRA_KEYSPACE="doctor_was_here",
    )
    assert found["kafka"]["state"] == "ok"
    assert found["cassandra"]["state"] == "ok"
    assert found["log"]["state"] == "ok"
    if found["topics"]["state"] == "failed":
        assert found["topics"]["advice"] == "run `mingle topics apply`"
    if found["migrations"]["state"] == "failed":
        assert found["migrations"]["advice"] == "run `mingle migrate`"


def test_a_log_that_lost_what_a_group_needs_is_a_failure(
    kafka: Reachable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the group and how many messages it can never read."""

    def status(admin: GroupAdmin, role: str) -> GroupStatus:
        found = status_of_role(admin, role)
        return replace(found, lost=7) if role == "bulk" else found

    monkeypatch.setattr(doctor, "status_of_role", status)
    _, found = examined(MINGLE_KAFKA_BOOTSTRAP=kafka.address)
    assert found["log"]["state"] == "failed"
    assert found["log"]["what"].endswith("mingle-bulk 7")
