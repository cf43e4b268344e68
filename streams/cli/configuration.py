"""Settings for commands: a wrong one ends the program with its name and what was expected."""

from collections.abc import Mapping
from functools import cache
from typing import IO, Any, Final

import click
from pydantic import SecretStr, ValidationError

from services.settings.settings import Settings

PREFIX: Final = "MINGLE_"
MASK: Final = "********"


class WrongSettings(click.ClickException):
    """A line for each setting that is wrong."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(self.format_message(), file=file, err=file is None)


def load_settings() -> Settings:
    """The settings of this process. Raises WrongSettings."""
    try:
        return Settings.model_validate({})
    except ValidationError as error:
        raise WrongSettings("\n".join(describe_errors(error))) from None


def describe_errors(error: ValidationError) -> list[str]:
    """A line for each wrong setting: its variable and what was expected, never its value."""
    wrong = dict.fromkeys(str(each["loc"][0]) for each in error.errors() if each["loc"])
    general = [each["msg"] for each in error.errors() if not each["loc"]]
    return [
        *(f"{environment_variable(name)}: expected {describe_expected(name)}" for name in wrong),
        *general,
    ]


def environment_variable(name: str) -> str:
    """The environment variable of a setting."""
    return f"{PREFIX}{name.upper()}"


def describe_expected(name: str) -> str:
    """What the value of a setting may be, in words, from its declaration."""
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
    """A value as it would be written in the environment; a secret is masked."""
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
