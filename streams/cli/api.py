"""`mingle api`: serves the HTTP API until a signal stops the process."""

import sys
from functools import partial

import click

from services.api.auth.exposure import UnusableSettings
from streams.cli.configuration import WrongSettings, load_settings
from streams.logs import configure_logging
from streams.process.processes import run_api
from streams.process.signals import run_until_signal


@click.command("api")
def command() -> None:
    """Serve timelines and threads over HTTP.

    Listens at MINGLE_API_HOST and MINGLE_API_PORT; /openapi.json describes every endpoint. While
    the store is unavailable, also at the start, requests that need it get 503. On SIGTERM the API
    finishes the requests in progress and ends.
    """
    settings = load_settings()
    configure_logging(settings.log_level, role="api")
    try:
        sys.exit(run_until_signal(partial(run_api, settings)))
    except UnusableSettings as error:
        raise WrongSettings(str(error)) from error
    except OSError as error:
        where = f"{settings.api_host}:{settings.api_port}"
        raise click.ClickException(f"{where}: {error.strerror} (MINGLE_API_PORT)") from error
