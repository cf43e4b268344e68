"""`mingle worker` and `mingle api` as processes: they say where they are, and end when told."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from schemas import topics
from streams.embedded.mock_broker import MockBroker

START_SECONDS = 60
END_SECONDS = 20
SECOND_ATTEMPT_SECONDS = 2.0
"""Three attempts to connect, of which each pause is a second at most."""
MINGLE = str(Path(sys.executable).with_name("mingle"))


@pytest.fixture
def bootstrap() -> Iterator[str]:
    with MockBroker() as broker:
        for name in topics.load_topics():
            broker.create_topic(name)
        yield broker.bootstrap


def environment(**settings: str) -> dict[str, str]:
    return os.environ | {f"MINGLE_{name.upper()}": value for name, value in settings.items()}


@contextmanager
def running(command: str, **settings: str) -> Iterator[dict[str, Any]]:
    """Yield what a process logs once it has started; then a signal stops it, with exit code 0."""
    given = environment(**{"store": "memory", "api_port": "0", "metrics_port": "0"} | settings)
    with subprocess.Popen([MINGLE, command], env=given, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        try:
            logged = map(json.loads, process.stderr)
            yield next(each for each in logged if each["event"].endswith(" started"))
            process.send_signal(signal.SIGTERM)
            assert process.wait(END_SECONDS) == 0
        finally:
            process.kill()


def fails(command: str, **settings: str) -> tuple[int, str]:
    done = subprocess.run(
        [MINGLE, command],
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )
    return done.returncode, done.stderr


def test_a_worker_says_where_its_health_is(bootstrap: str) -> None:
    """It is ready once it has its partitions."""
    with running("worker", kafka_bootstrap=bootstrap) as started:
        assert started["event"] == "worker started"
        assert started["roles"] == ["ingest", "fanout", "bulk", "search"]
        assert httpx.get(f"{started['health']}/livez").status_code == 200


def test_an_api_says_where_it_is() -> None:
    """It answers there."""
    with running("api") as started:
        assert started["event"] == "API started"
        assert httpx.get(f"{started['address']}/livez").status_code == 200


def test_the_demo_serves_until_ctrl_c() -> None:
    """The printed addresses answer until then; it ends quickly and without an error."""
    given = environment(api_port="0", metrics_port="0") | {"COLUMNS": "160"}
    command = [MINGLE, "demo", "--serve"]
    with subprocess.Popen(command, env=given, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            served = ["explore", "home", "thread", "openapi.json", "metrics", "readyz"]
            said = iter(process.stdout.readline, "")
            assert any(line.startswith("Until Ctrl-C") for line in said)
            for place, line in zip(served, said, strict=False):
                assert place in line
                assert httpx.get(line.strip()).status_code == 200
            process.send_signal(signal.SIGINT)
            assert process.wait(END_SECONDS) == 0
        finally:
            process.kill()


AWAY = {"store": "cassandra", "cassandra_port": "1"}


def test_a_worker_waits_for_a_store_that_is_away(bootstrap: str) -> None:
    """It is alive, says what it waits for, and a signal ends it as usual."""
    with running("worker", kafka_bootstrap=bootstrap, **AWAY) as started:
        assert httpx.get(f"{started['health']}/livez").status_code == 200
        answer = httpx.get(f"{started['health']}/readyz")
        assert answer.status_code == 503
        (problem,) = answer.json()["problems"]
        assert problem.startswith("waiting for the store: ")


def test_an_api_waits_for_a_store_that_is_away() -> None:
    """It is alive, and answers as whenever the store is unavailable."""
    with running("api", **AWAY) as started:
        assert httpx.get(f"{started['address']}/livez").status_code == 200
        for path in ("/readyz", "/v1/users/1/home"):
            answer = httpx.get(f"{started['address']}{path}")
            assert answer.status_code == 503
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["retry-after"]


def test_an_outage_at_the_start_does_not_fill_the_log(bootstrap: str) -> None:
    """One line, however often it tries, without the driver's tracebacks. SIGTERM ends it soon."""
    given = environment(kafka_bootstrap=bootstrap, metrics_port="0", **AWAY)
    with subprocess.Popen([MINGLE, "worker"], env=given, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        try:
            for line in process.stderr:
                if json.loads(line)["event"] == "waiting for the store":
                    break
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(SECOND_ATTEMPT_SECONDS)
            process.send_signal(signal.SIGTERM)
            assert process.stderr.read() == b""
            assert process.wait(END_SECONDS) == 0  # 1 where its own timer has to end it
        finally:
            process.kill()


def test_an_exposed_api_is_refused_before_the_store_is_asked() -> None:
    """Exit code 2 at once; an unavailable store does not hide a wrong setting."""
    code, said = fails("api", api_host="0.0.0.0", **AWAY)
    assert code == 2
    assert said.startswith("MINGLE_API_HOST=0.0.0.0: ")
    assert said.count("\n") == 1


ISSUER = {"auth_issuer": "https://issuer.example", "auth_audience": "mingle"}


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"auth_secret": "short"}, "MINGLE_AUTH_SECRET: expected at least 32 bytes"),
        ({"auth_jwks": "/nowhere/keys.json", **ISSUER}, "MINGLE_AUTH_JWKS: "),
        ({"auth_secret": "x" * 32, "api_host": "0.0.0.0"}, "MINGLE_CURSOR_KEYS: "),
    ],
)
def test_wrong_authentication_stops_the_start(settings: dict[str, str], named: str) -> None:
    """Exit code 2 and one line, which begins with the setting and never holds a secret."""
    code, said = fails("api", store="memory", **settings)
    assert (code, said.count("\n")) == (2, 1)
    assert said.startswith(named)
    assert settings.get("auth_secret", "a secret") not in said


@pytest.mark.parametrize(("command", "setting"), [("worker", "metrics_port"), ("api", "api_port")])
def test_a_taken_port_is_one_line(command: str, setting: str) -> None:
    """Exit code 1, the address and the setting."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, said = fails(command, store="memory", **{setting: port})
    assert code == 1
    assert f"127.0.0.1:{port}: " in said
    assert f"(MINGLE_{setting.upper()})" in said


@pytest.mark.parametrize("command", ["worker", "api", "demo", "migrate"])
def test_a_wrong_setting_stops_the_start(command: str) -> None:
    """Exit code 2 and one line."""
    assert fails(command, store="sql") == (2, "MINGLE_STORE: expected one of cassandra, memory\n")


def test_an_unknown_role_is_wrong_use() -> None:
    """Exit code 2."""
    done = subprocess.run(
        [MINGLE, "worker", "--role", "gossip"],
        capture_output=True,
        timeout=START_SECONDS,
        check=False,
    )
    assert done.returncode == 2
