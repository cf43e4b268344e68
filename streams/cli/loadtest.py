"""`mingle loadtest`: what fan-out costs, measured on the real servers."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click
import msgspec
from rich.console import Console
from rich.table import Table

from loadtest import command as runs
from loadtest import comparison
from loadtest.bench import RunTimedOut
from loadtest.kafka import TopicsNotEmpty
from loadtest.markdown import headline
from loadtest.processes import ProgramFailed
from loadtest.report import NoReport, Report, load_report
from loadtest.scenario import WrongScenario, load_scenario, scenario_names
from servers.errors import ServerError
from services.errors import MingleError

F = TypeVar("F", bound=Callable[..., None])
FolderType = click.Path(file_okay=False, path_type=Path)


def _json_option(function: F) -> F:
    return click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")(function)


@click.group("loadtest")
def command() -> None:
    """Measure what fan-out costs."""


@command.command("list")
@_json_option
def list_scenarios(as_json: bool) -> None:
    """The scenarios, and what each claims."""
    claims = {name: load_scenario(name).claim for name in scenario_names()}
    if as_json:
        click.echo(json.dumps([{"name": name, "claim": each} for name, each in claims.items()]))
        return
    table = Table("scenario", "claim", box=None, pad_edge=False)
    for each in claims.items():
        table.add_row(*each)
    Console().print(table)


@command.command("run")
@click.argument("scenarios", nargs=-1, required=True, metavar="SCENARIO|FILE...")
@click.option("--out", type=FolderType, default=Path("loadtest-report"), show_default=True)
@click.option(
    "--scale",
    type=click.FloatRange(0, 10, min_open=True),
    default=1.0,
    show_default=True,
    help="So many times the people, posts and seconds.",
)
@click.option("--seed", type=int, help="Another graph and other arrivals.")
@click.option("--seconds", type=click.FloatRange(1, 86_400), help="Length of open phases.")
@click.option("--attach", is_flag=True, help="Use the servers of the settings, not own ones.")
@click.option("--erase", is_flag=True, help="With --attach: remove the topics' messages there.")
@_json_option
def run(scenarios: tuple[str, ...], out: Path, as_json: bool, **asked: object) -> None:
    """Run scenarios and leave report.json, report.md and pictures.

    Of one scenario in --out, of several in a folder for each below it. `mingle loadtest list`
    names them. Everything runs on this machine; what a run starts it stops. The exit code is 1
    where something was lost, extra or shown wrongly.
    """
    try:
        made = runs.run_scenarios(scenarios, runs.RunRequest(out=out, **asked))  # type: ignore[arg-type]
    except WrongScenario as error:
        raise click.UsageError(str(error)) from error
    except (MingleError, ServerError, ProgramFailed, TopicsNotEmpty, RunTimedOut) as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        raise click.ClickException("interrupted; what was started is stopped") from None
    _print(made, as_json)
    sys.exit(0 if all(each.right for each in made) else 1)


@command.command("report")
@click.argument("folder", type=FolderType)
@_json_option
def report(folder: Path, as_json: bool) -> None:
    """Write report.md and the pictures anew from report.json."""
    _print([_told(runs.render_report, folder)], as_json)


@command.command("compare")
@click.argument("first", type=FolderType)
@click.argument("second", type=FolderType)
@_json_option
def compare(first: Path, second: Path, as_json: bool) -> None:
    """Show two reports side by side."""
    one, other = (_told(load_report, each) for each in (first, second))
    rows = comparison.compare_reports(one, other)
    caution = comparison.comparison_caveat(one, other)
    if caution:
        click.echo(f"Careful: {caution}", err=True)
    if as_json:
        click.echo(json.dumps([row._asdict() for row in rows], indent=2))
        return
    table = Table("figure", str(first), str(second), "change", box=None, pad_edge=False)
    for row in rows:
        table.add_row(*row)
    Console().print(table)


def _told(work: Callable[[Path], Report], folder: Path) -> Report:
    try:
        return work(folder)
    except NoReport as error:
        raise click.ClickException(str(error)) from error


def _print(reports: list[Report], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([msgspec.to_builtins(each) for each in reports], indent=2))
        return
    figures = [headline(each) for each in reports]
    table = Table("figure", *(each.scenario for each in reports), box=None, pad_edge=False)
    for name in figures[0]:
        table.add_row(name, *(each[name] for each in figures))
    Console().print(table)
