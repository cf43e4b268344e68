"""Output of commands: JSON on request, else tables; progress on standard error."""

from collections.abc import Iterable

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def print_table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Print a table without borders on standard output."""
    table = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*row)
    Console().print(table)


def progress_bar() -> Progress:
    """Return a progress bar on standard error, which is shown only on a terminal."""
    console = Console(stderr=True)
    return Progress(console=console, disable=not console.is_terminal)
