"""`mingle worker`: agents on Kafka, until the process is told to stop."""

import sys
from functools import partial

import click

from services.errors import AccessRefused
from streams.cli.configuration import load_settings
from streams.logs import configure
from streams.process.processes import run_worker
from streams.process.signals import run_until_signal
from streams.routes import ROLES


@click.command("worker")
@click.option(
    "--role", "roles", multiple=True, type=click.Choice(ROLES), help="Only this one; repeatable."
)
def command(roles: tuple[str, ...]) -> None:
    """Handle what arrives on Kafka.

    With all roles, unless some are named; each role is a consumer group of its own: `ingest`
    records what is said, `fanout` brings posts into homes, `bulk` those of authors with many
    followers, `search` finds them by their words. A store or brokers that are away are waited for,
    and /readyz at MINGLE_METRICS_PORT says so.
    SIGTERM finishes what is in flight, commits and ends.
    """
    settings = load_settings()
    configure(settings.log_level)
    try:
        sys.exit(run_until_signal(partial(run_worker, settings, roles or ROLES)))
    except AccessRefused as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        where = f"{settings.metrics_host}:{settings.metrics_port}"
        raise click.ClickException(f"{where}: {error.strerror} (MINGLE_METRICS_PORT)") from error
