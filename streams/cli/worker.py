"""`mingle worker`: handles messages from Kafka until a signal stops the process."""

import sys
from functools import partial

import click

from services.errors import AccessRefused
from streams.app import name_of_worker
from streams.cli.configuration import load_settings
from streams.logs import configure_logging
from streams.process.processes import run_worker
from streams.process.signals import run_until_signal
from streams.routes import ROLES


@click.command("worker")
@click.option(
    "--role",
    "roles",
    multiple=True,
    type=click.Choice(ROLES),
    help="Run only this role; repeatable.",
)
def command(roles: tuple[str, ...]) -> None:
    """Handle messages from Kafka.

    Runs all roles unless some are named; each role is a consumer group of its own. `ingest`
    records posts, follows and relations, `fanout` writes posts into home timelines, `bulk` does
    so for authors with many followers, and `search` indexes words. The worker waits for a store
    or brokers that are unavailable, and /readyz at MINGLE_METRICS_PORT says so.

    On SIGTERM it finishes the messages in flight, commits and ends.
    """
    settings = load_settings()
    chosen = roles or ROLES
    configure_logging(settings.log_level, worker=name_of_worker(settings), role=",".join(chosen))
    try:
        sys.exit(run_until_signal(partial(run_worker, settings, chosen)))
    except AccessRefused as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        where = f"{settings.metrics_host}:{settings.metrics_port}"
        raise click.ClickException(f"{where}: {error.strerror} (MINGLE_METRICS_PORT)") from error
