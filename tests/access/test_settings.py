"""Settings of TLS and logins: contradictions are named, and secrets are never shown."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from services.settings.settings import Settings
from streams.cli import main
from tests.access.conftest import Certificates

SASL = {
    "MINGLE_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
    "MINGLE_KAFKA_USER": "alice",
    "MINGLE_KAFKA_PASSWORD": "geheim",
}
LOGIN = {"MINGLE_CASSANDRA_USER": "bob", "MINGLE_CASSANDRA_PASSWORD": "geheim"}
NAMES_ONLY = {"MINGLE_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT"}
TLS = {"MINGLE_CASSANDRA_TLS": "true"}
NOWHERE = "/nowhere/at/all"


def settings(*arguments: str, **environment: str) -> Result:
    return CliRunner(env=environment).invoke(main, ["settings", *arguments])


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (NAMES_ONLY, ["KAFKA_USER", "KAFKA_PASSWORD"]),
        (SASL | {"MINGLE_KAFKA_PASSWORD": ""}, ["KAFKA_PASSWORD"]),
        (SASL | {"MINGLE_KAFKA_PASSWORD_FILE": NOWHERE}, ["KAFKA_PASSWORD"]),
        (
            SASL | {"MINGLE_KAFKA_PASSWORD": "", "MINGLE_KAFKA_PASSWORD_FILE": NOWHERE},
            ["KAFKA_PASSWORD_FILE"],
        ),
        ({"MINGLE_KAFKA_USER": "alice"}, ["KAFKA_USER"]),
        ({"MINGLE_KAFKA_PASSWORD": "geheim"}, ["KAFKA_PASSWORD"]),
        ({"MINGLE_KAFKA_CA_FILE": NOWHERE}, ["KAFKA_CA_FILE"]),
        (SASL | {"MINGLE_KAFKA_CA_FILE": NOWHERE}, ["KAFKA_CA_FILE"]),
        (SASL | {"MINGLE_KAFKA_CERTIFICATE_FILE": NOWHERE}, ["KAFKA_KEY_FILE"]),
        (SASL | {"MINGLE_KAFKA_KEY_FILE": NOWHERE}, ["KAFKA_CERTIFICATE_FILE"]),
        (
            SASL | {"MINGLE_KAFKA_KEY_FILE": NOWHERE, "MINGLE_KAFKA_CERTIFICATE_FILE": NOWHERE},
            ["KAFKA_CERTIFICATE_FILE"],
        ),
        (LOGIN | {"MINGLE_CASSANDRA_USER": ""}, ["CASSANDRA_USER"]),
        (LOGIN | {"MINGLE_CASSANDRA_PASSWORD": ""}, ["CASSANDRA_PASSWORD"]),
        ({"MINGLE_CASSANDRA_CA_FILE": NOWHERE}, ["CASSANDRA_CA_FILE"]),
        ({"MINGLE_CASSANDRA_TLS_NAME": "store"}, ["CASSANDRA_TLS_NAME"]),
        (TLS | {"MINGLE_CASSANDRA_CA_FILE": NOWHERE}, ["CASSANDRA_CA_FILE"]),
    ],
)
def test_a_contradiction_is_named(given: dict[str, str], named: list[str]) -> None:
    """Exit code 2 and a line for each, which starts with the setting and holds no secret."""
    result = settings(**given)
    assert result.exit_code == 2
    assert [line.split(":")[0] for line in result.output.splitlines()] == [
        f"MINGLE_{each}" for each in named
    ]
    assert "geheim" not in result.output


def test_a_pair_that_does_not_belong_together_is_refused(certificates: Certificates) -> None:
    """The key belongs to another certificate."""
    files = {
        "MINGLE_CASSANDRA_CERTIFICATE_FILE": certificates.client.certificate_file,
        "MINGLE_CASSANDRA_KEY_FILE": certificates.server.key_file,
    }
    result = settings(**TLS, **files)
    assert result.exit_code == 2
    assert result.output.startswith("MINGLE_CASSANDRA_CERTIFICATE_FILE: ")


def test_passwords_are_shown_nowhere() -> None:
    """Neither the list nor the representation in a traceback or a log shows them."""
    for arguments in ([], ["--json"]):
        output = settings(*arguments, **SASL, **LOGIN).output
        assert "geheim" not in output
    rows = {each["variable"]: each for each in json.loads(output)}
    assert rows["MINGLE_KAFKA_PASSWORD"]["value"] == "********"
    assert rows["MINGLE_CASSANDRA_PASSWORD"]["default"] == ""
    held = Settings.model_validate(
        {name.removeprefix("MINGLE_").lower(): value for name, value in (SASL | LOGIN).items()}
    )
    for each in (held, held.brokers, held.brokers.summary, held.cassandra_summary):
        assert "geheim" not in f"{each!r} {each!s}"


def test_a_wrong_setting_beside_a_password_does_not_show_it(monkeypatch: Any) -> None:
    """The library's own error message would print all values."""
    for name, value in (SASL | {"MINGLE_API_PORT": "http"}).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match="api_port") as caught:
        Settings()
    assert "geheim" not in str(caught.value)


def test_a_password_may_be_in_a_file(tmp_path: Path) -> None:
    """The final line break that editors add is ignored."""
    file = tmp_path / "password"
    file.write_text("geheim \n")
    held = Settings.model_validate(
        {
            "kafka_security_protocol": "SASL_PLAINTEXT",
            "kafka_user": "alice",
            "kafka_password_file": str(file),
            "cassandra_user": "bob",
            "cassandra_password_file": str(file),
        }
    )
    assert held.brokers.password.get_secret_value() == "geheim "
    assert held.resolved_cassandra_password.get_secret_value() == "geheim "
