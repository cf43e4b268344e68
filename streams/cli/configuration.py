"""Loads the settings for commands. A wrong one ends the program with its name and what fits."""

import os
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from typing import IO, Any, Final

import click
from pydantic import SecretStr, ValidationError

from services.settings.settings import Settings

PREFIX: Final = "MINGLE_"
MASK: Final = "********"
OTHER_VARIABLES: Final = frozenset(
    f"{PREFIX}{name}"
    for name in (
        "CASSANDRA_COMMITLOG_SYNC",
        "CASSANDRA_HEAP",
        "JAVA_HOME",
        "KAFKA_HEAP",
        "KAFKA_PORT",
        "METRICS_TOKEN",
        "SERVERS_CACHE",
        "SERVERS_DIR",
        "TEST_CASSANDRA",
        "TEST_DATA",
        "TEST_KAFKA",
    )
)
"""Variables of `make up`, the tests and compose.yaml, which are not settings of the program."""


class WrongSettings(click.ClickException):
    """Some settings are wrong: the message has a line for each."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(self.format_message(), file=file, err=file is None)


def load_settings() -> Settings:
    """Return the settings of this process, and warn of unknown ones. Raises WrongSettings."""
    for line in describe_unknown(os.environ):
        click.echo(f"Warning: {line}", err=True)
    try:
        return Settings.model_validate({})
    except ValidationError as error:
        raise WrongSettings("\n".join(describe_errors(error))) from None


def describe_unknown(variables: Iterable[str]) -> list[str]:
    """Return a line for each variable with the prefix that is no setting, with the nearest one."""
    known = [environment_variable(name) for name in Settings.model_fields]
    lines = []
    for variable in sorted(variables):
        if variable.startswith(PREFIX) and variable not in OTHER_VARIABLES.union(known):
            nearest = get_close_matches(variable, known, n=1, cutoff=0.8)
            hint = f"did you mean {nearest[0]}?" if nearest else "`mingle settings` lists them"
            lines.append(f"{variable} is not a setting and is ignored: {hint}")
    return lines


def describe_errors(error: ValidationError) -> list[str]:
    """Return a line for each wrong setting: its variable and what fits, never its value."""
    wrong = dict.fromkeys(str(each["loc"][0]) for each in error.errors() if each["loc"])
    general = [each["msg"] for each in error.errors() if not each["loc"]]
    return [
        *(f"{environment_variable(name)}: expected {describe_expected(name)}" for name in wrong),
        *general,
    ]


def environment_variable(name: str) -> str:
    """Return the environment variable of a setting."""
    return f"{PREFIX}{name.upper()}"


def describe_expected(name: str) -> str:
    """Return in words what the value of a setting may be, from its declaration."""
    schema = _properties()[name]
    if "enum" in schema:
        return "one of " + ", ".join(schema["enum"])
    match schema["type"]:
        case "integer":
            return "an integer" + _limits(schema)
        case "number":
            return "a number" + _limits(schema)
        case "boolean":
            return "true or false"
        case "array":
            return "values separated by commas" + (", at least one" if "minItems" in schema else "")
    return f"text like {schema['pattern']}" if "pattern" in schema else "text"


def format_value(name: str, value: object) -> str:
    """Return a value as the environment would hold it; a secret is masked."""
    match value:
        case tuple():
            text = ",".join(value)
        case float():
            text = f"{value:g}"
        case bool():
            text = str(value).lower()
        case SecretStr():
            text = value.get_secret_value()
        case _:
            text = str(value)
    secret = Settings.model_fields[name].repr is False
    return MASK if secret and text else text


@cache
def _properties() -> Mapping[str, Mapping[str, Any]]:
    properties: Mapping[str, Mapping[str, Any]] = Settings.model_json_schema()["properties"]
    return properties


def _limits(schema: Mapping[str, Any]) -> str:
    above = schema.get("exclusiveMinimum")
    least = schema.get("minimum")
    most = schema.get("maximum")
    lower = f" above {above:g}" if above is not None else f" from {least or 0:g}"
    return lower if most is None else f"{lower} to {most:g}"
