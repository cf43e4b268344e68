"""`mingle doctor`: finds what keeps Mingle from working, and says what to do about it."""

import json
import os
import sys
from typing import Final

import click
from rich.text import Text

from streams.cli.configuration import describe_unknown, load_settings
from streams.cli.output import json_option, text_console
from streams.display.text import clean
from streams.process.doctor import Finding, examine

STYLES: Final = {"ok": "green", "failed": "bold red", "skipped": "yellow"}


@click.command("doctor")
@json_option
def command(as_json: bool) -> None:
    """Find what keeps Mingle from working.

    Checks the settings, Kafka and its topics, Cassandra and its migrations, and the API and the
    worker where they run. Changes nothing. The exit code is 1 if a check failed.
    """
    settings = load_settings()
    console = text_console()
    findings = []
    for finding in examine(settings, describe_unknown(os.environ)):
        findings.append(finding)
        if not as_json:
            console.print(_line(finding), soft_wrap=True)
    if as_json:
        click.echo(json.dumps([finding._asdict() for finding in findings], indent=2))
    sys.exit(1 if any(finding.state == "failed" for finding in findings) else 0)


def _line(finding: Finding) -> Text:
    line = Text.assemble(
        (f"{finding.state:8}", STYLES[finding.state]),
        (f"{finding.check:11}", "bold"),
        clean(finding.what),
    )
    if finding.advice:
        line.append(f"\n{'':19}→ {finding.advice}", style="dim")
    return line
