"""Output of commands: JSON on request, else tables; progress on standard error."""

from collections.abc import Callable, Iterable
from typing import Final, TypeVar

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

PIPE_WIDTH: Final = 10_000
"""Columns of a table that no terminal shows: values are neither cut nor folded for a program."""

F = TypeVar("F", bound=Callable[..., object])


def json_output(meaning: str) -> Callable[[F], F]:
    """Return the option of what can be printed as JSON; to the command it is `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help=meaning)


json_option = json_output("Print JSON.")


def text_console(*, for_tables: bool = False) -> Console:
    """Return the console of standard output. It shows all data as text: markup means nothing.

    Tables keep whole values where the output is not a terminal.
    """
    console = Console(markup=False, emoji=False)
    if for_tables and not console.is_terminal:
        console.width = PIPE_WIDTH
    return console


def print_table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Print a table without borders on standard output."""
    table = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*row)
    text_console(for_tables=True).print(table)


def progress_bar() -> Progress:
    """Return a progress bar on standard error, which is shown only on a terminal."""
    console = Console(stderr=True)
    return Progress(console=console, disable=not console.is_terminal)
