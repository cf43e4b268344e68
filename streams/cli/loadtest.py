"""`mingle loadtest`: measures what fan-out costs on real servers."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import click
import msgspec

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
from streams.cli.output import json_option, print_table

check_option = click.option(
    "--check", is_flag=True, help="Exit with 1 also unless the claim holds by its figures."
)
FolderType = click.Path(file_okay=False, path_type=Path)


@click.group("loadtest")
def command() -> None:
    """Measure what fan-out costs."""


@command.command("list")
@json_option
def list_scenarios(as_json: bool) -> None:
    """List the scenarios and what each claims."""
    claims = {name: load_scenario(name).claim for name in scenario_names()}
    if as_json:
        click.echo(json.dumps([{"name": name, "claim": each} for name, each in claims.items()]))
    else:
        print_table(("scenario", "claim"), claims.items())


@command.command("run")
@click.argument("scenarios", nargs=-1, required=True, metavar="SCENARIO|FILE...")
@click.option(
    "--out",
    type=FolderType,
    default=Path("loadtest-report"),
    show_default=True,
    help="Folder for the report.",
)
@click.option(
    "--scale",
    type=click.FloatRange(0, 10, min_open=True),
    default=1.0,
    show_default=True,
    help="Multiply users, posts and seconds by this.",
)
@click.option("--seed", type=int, help="Draw another follow graph and other arrival times.")
@click.option("--seconds", type=click.FloatRange(1, 86_400), help="Length of each open phase.")
@click.option(
    "--attach", is_flag=True, help="Use the servers of the settings instead of starting some."
)
@click.option("--erase", is_flag=True, help="With --attach: delete the messages in its topics.")
@check_option
@json_option
def run(
    scenarios: tuple[str, ...], out: Path, check: bool, as_json: bool, **options: object
) -> None:
    """Run scenarios and write report.json, report.md and charts.

    The report of one scenario is written to --out, those of several to a folder each below it.
    `mingle loadtest list` names the scenarios. Everything runs on this machine, and a run stops
    what it started. The exit code is 1 if entries were lost or extra, or homes were wrong; with
    --check also if the claim of a scenario does not hold, or a figure for it was not measured.
    """
    try:
        request = runs.RunRequest(out=out, check=check, **options)  # type: ignore[arg-type]
        reports = runs.run_scenarios(scenarios, request)
    except WrongScenario as error:
        raise click.UsageError(str(error)) from error
    except (MingleError, ServerError, ProgramFailed, TopicsNotEmpty, RunTimedOut) as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        raise click.ClickException(
            "interrupted; everything that was started has been stopped"
        ) from None
    _print(reports, as_json)
    sys.exit(0 if all(_is_good(each, check=check) for each in reports) else 1)


@command.command("report")
@click.argument("folder", type=FolderType)
@check_option
@json_option
def report(folder: Path, check: bool, as_json: bool) -> None:
    """Write report.md and the charts again from report.json."""
    loaded = _load(runs.render_report, folder)
    _print([loaded], as_json)
    sys.exit(1 if check and not _is_good(loaded, check=True) else 0)


@command.command("compare")
@click.argument("first", type=FolderType)
@click.argument("second", type=FolderType)
@json_option
def compare(first: Path, second: Path, as_json: bool) -> None:
    """Show two reports side by side."""
    one, other = (_load(load_report, each) for each in (first, second))
    rows = comparison.compare_reports(one, other)
    caveat = comparison.comparison_caveat(one, other)
    if caveat:
        click.echo(f"Warning: {caveat}", err=True)
    if as_json:
        click.echo(json.dumps([row._asdict() for row in rows], indent=2))
    else:
        print_table(("figure", str(first), str(second), "change"), rows)


def _is_good(report: Report, *, check: bool) -> bool:
    return report.is_correct and (report.claim_met is True or not check)


def _load(load: Callable[[Path], Report], folder: Path) -> Report:
    try:
        return load(folder)
    except NoReport as error:
        raise click.ClickException(str(error)) from error


def _print(reports: list[Report], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([msgspec.to_builtins(each) for each in reports], indent=2))
        return
    figures = [headline(each) for each in reports]
    rows = [(name, *(each[name] for each in figures)) for name in figures[0]]
    print_table(("figure", *(each.scenario for each in reports)), rows)
