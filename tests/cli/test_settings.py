"""Settings are listed with their meaning; a wrong one is named, with what was expected."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from services.settings.settings import Settings
from streams.cli import main
from streams.cli.configuration import describe_unknown

ROOT = Path(__file__).parents[2]


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner(env=environment).invoke(main, ["settings", *arguments])


def test_every_setting_is_listed() -> None:
    """Name, value, default and meaning, for people and for machines."""
    listed = run().output
    rows = {row["variable"]: row for row in json.loads(run("--json").output)}
    assert len(rows) == len(Settings.model_fields)
    for name, row in rows.items():
        assert name in listed
        assert row["meaning"]
    assert rows["MINGLE_API_PORT"]["expected"] == "an integer from 0 to 65535"


def test_a_value_from_the_environment_is_marked() -> None:
    """A star marks values that differ from their defaults."""
    listed = run(MINGLE_API_PORT="8181").output
    assert "8181 *" in listed
    assert "9100 *" not in listed


def test_secrets_are_masked() -> None:
    """Neither form of the list gives a key away."""
    for arguments in ([], ["--json"]):
        output = run(*arguments, MINGLE_CURSOR_KEYS="geheim,older").output
        assert "geheim" not in output
        assert "********" in output


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("MINGLE_API_PORT", "http", "an integer from 0 to 65535"),
        ("MINGLE_API_PORT", "70000", "an integer from 0 to 65535"),
        ("MINGLE_STORE", "sql", "one of cassandra, memory"),
        ("MINGLE_RETENTION_DAYS", "-1", "a number from 0 to 36500"),
        ("MINGLE_STORE_TIMEOUT_SECONDS", "0", "a number above 0 to 120"),
        ("MINGLE_CASSANDRA_HOSTS", ",", "values separated by commas, at least one"),
        ("MINGLE_WORKER_NAME", "a b", "text like ^[a-zA-Z0-9._-]{0,64}$"),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: str, expected: str) -> None:
    """Exit code 2 and one line with the name and what fits; never the value."""
    result = run(**{name: value})
    assert result.exit_code == 2
    assert result.output == f"{name}: expected {expected}\n"


def test_every_wrong_setting_is_named() -> None:
    """All at once, so that nobody corrects them one start at a time."""
    result = run(MINGLE_API_PORT="x", MINGLE_LOG_LEVEL="loud")
    assert [line.split(":")[0] for line in result.output.splitlines()] == [
        "MINGLE_API_PORT",
        "MINGLE_LOG_LEVEL",
    ]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("MINGLE_KAFKA_BOOSTRAP", "did you mean MINGLE_KAFKA_BOOTSTRAP?"),
        ("MINGLE_APIPORT", "did you mean MINGLE_API_PORT?"),
        ("MINGLE_COLOUR", "`mingle settings` lists them"),
    ],
)
def test_what_is_no_setting_is_said(name: str, hint: str) -> None:
    """With the nearest one; every command that reads settings goes on."""
    result = run("--json", **{name: "x"})
    assert result.exit_code == 0
    assert result.stderr == f"Warning: {name} is not a setting and is ignored: {hint}\n"
    assert name not in result.stdout


def test_variables_of_others_are_no_mistakes() -> None:
    """All with the prefix that the servers, the tests and compose.yaml read are known."""
    texts = [
        path.read_text(encoding="utf-8")
        for pattern in ("servers/*.py", "tests/conftest.py", "compose.yaml")
        for path in ROOT.glob(pattern)
    ]
    flags = re.findall(r'_setting\(\s*"--([a-z-]+)"', "".join(texts))
    names = re.findall(r"\bMINGLE_[A-Z_]+[A-Z]\b", "".join(texts))
    names += ["MINGLE_" + flag.replace("-", "_").upper() for flag in flags]
    assert len(flags) > 5
    assert describe_unknown(names) == []
