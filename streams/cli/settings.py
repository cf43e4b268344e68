"""`mingle settings`: lists every setting with its value, default and meaning."""

import json

import click
from rich.table import Table

from services.settings.settings import Settings
from streams.cli.configuration import (
    describe_expected,
    environment_variable,
    format_value,
    load_settings,
)
from streams.cli.output import json_option, text_console


@click.command("settings")
@json_option
def command(as_json: bool) -> None:
    """List every setting with its value and meaning.

    Settings come from environment variables. A star marks a value that differs from its default;
    secrets are masked.
    """
    rows = setting_rows(load_settings())
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    else:
        text_console(for_tables=True).print(_table(rows))


def setting_rows(settings: Settings) -> list[dict[str, str]]:
    """Return a row for each setting, as text."""
    return [
        {
            "variable": environment_variable(name),
            "value": format_value(name, getattr(settings, name)),
            "default": format_value(name, field.default),
            "meaning": field.description or "",
            "expected": describe_expected(name),
        }
        for name, field in Settings.model_fields.items()
    ]


def _table(rows: list[dict[str, str]]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("setting", no_wrap=True)
    table.add_column("value", overflow="fold")
    table.add_column("default", overflow="fold")
    table.add_column("meaning", overflow="fold")
    for row in rows:
        changed = row["value"] != row["default"]
        table.add_row(
            row["variable"],
            f"{row['value']} *" if changed else row["value"],
            row["default"],
            row["meaning"],
            style="bold" if changed else "",
        )
    return table
